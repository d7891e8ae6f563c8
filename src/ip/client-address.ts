import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { groups, readAddress } from './ip-address.ts';

/**
 * The address of a request's client: the connection's own, or the one that the last of `hops` trusted proxies was asked
 * by, however that proxy writes it.
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
const SHORT_WITH_PORT = /^([\d.]{7,15}):\d{1,5}$/;

/**
 * An address without what may be written around it: a port, brackets, a zone. IPv4 that is written as IPv6 is IPv4.
 * What is no address stays as it is.
 */
export function plainAddress(text: string): string {
  const trimmed = text.trim();
  if (isIP(trimmed) === 4) return trimmed;
  const bare = WITH_BRACKETS.exec(trimmed)?.[1] ?? SHORT_WITH_PORT.exec(trimmed)?.[1] ?? trimmed;
  const zone = bare.indexOf('%');
  const plain = zone === -1 ? bare : bare.slice(0, zone);
  const version = isIP(plain);
  if (version === 0) return trimmed;
  if (version === 4 || readAddress(plain) === 6) return plain;
  return [groups[6]! >> 8, groups[6]! & 0xff, groups[7]! >> 8, groups[7]! & 0xff].join('.');
}
