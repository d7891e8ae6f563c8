import type { IncomingMessage } from 'node:http';

/**
 * The address of a request's client, as Express's `req.ip` says it: the connection's own, or the one that the last of
 * `hops` trusted proxies was asked by.
 */
export function clientAddress(req: IncomingMessage, hops: number): string | undefined {
  const own = req.socket.remoteAddress;
  const forwarded = hops === 0 ? undefined : req.headers['x-forwarded-for'];
  if (forwarded === undefined) return own;
  const all = [own, ...String(forwarded).split(/ *, */).toReversed()];
  return all[Math.min(hops, all.length - 1)];
}
