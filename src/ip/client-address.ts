import type { IncomingMessage } from 'node:http';
import { groups, readAddress } from './ip-address.ts';

/**
 * Returns the client's address: the connection's own, or the one that the outermost of `hops` trusted proxies saw, in
 * whatever form that proxy writes it.
 */
export function clientAddress(req: IncomingMessage, hops: number): string | undefined {
  const own = req.socket.remoteAddress;
  const forwarded = hops === 0 ? undefined : req.headers['x-forwarded-for'];
  if (forwarded === undefined) return own && plainAddress(own);
  const all = [own, ...String(forwarded).split(',').toReversed()];
  const named = all[Math.min(hops, all.length - 1)];
  return named && plainAddress(named);
}

const WITH_BRACKETS = /^\[([^\]]*)\](?::\d{1,5})?$/;
const IPV4_WITH_PORT = /^([\d.]{7,15}):\d{1,5}$/;

/**
 * Returns an address without port, brackets and zone, and an IPv4-mapped one (`::ffff:192.0.2.1`) as IPv4. Text that is no
 * address stays as it is.
 */
export function plainAddress(text: string): string {
  const trimmed = text.trim();
  const bare = WITH_BRACKETS.exec(trimmed)?.[1] ?? IPV4_WITH_PORT.exec(trimmed)?.[1] ?? trimmed;
  const zone = bare.indexOf('%');
  const plain = zone === -1 ? bare : bare.slice(0, zone);
  const version = readAddress(plain);
  if (version === 0) return trimmed;
  if (version === 6 || !plain.includes(':')) return plain;
  return [groups[6]! >> 8, groups[6]! & 0xff, groups[7]! >> 8, groups[7]! & 0xff].join('.');
}
