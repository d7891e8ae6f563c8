import type { Request } from 'express';
import { AppError } from '../errors.ts';

/** The query string that may hold a key: the request's own, or that of the request that a proxy asks about. */
export type KeyPlace = 'own' | 'forwarded';

const KEY = 'api_key';
/** Parameters in which a client may put a session token by mistake. */
const TOKEN_NAMES = [KEY, 'access_token', 'token'];
const ORIGINAL_ADDRESS = ['x-forwarded-uri', 'x-original-uri', 'x-original-url'];
const ORIGINAL_METHOD = ['x-forwarded-method', 'x-original-method'];
const MESSAGE = 'A session token must not be in the address, which is logged. Send it in a header.';
const EVENT_STREAM = /(?:^|[\s,])text\/event-stream(?:[\s;,]|$)/i;

/**
 * Returns the keys in the query string of a request for an event stream, whose clients cannot set headers; none for any
 * other request.
 * @throws AppError `credential_invalid` for a session token in the query string of any request
 */
export function keysInQuery(req: Request, place: KeyPlace | undefined): string[] {
  const isForwarded = place === 'forwarded';
  const forwarded = isForwarded ? headersOf(req, ORIGINAL_ADDRESS).flatMap((address) => valuesOf(address, KEY)) : [];
  const own = TOKEN_NAMES.map((name) => valuesOf(req.originalUrl, name));
  if ([...own.flat(), ...forwarded].some((value) => value.startsWith('eyJ'))) {
    throw new AppError('credential_invalid', MESSAGE, { details: { credential: 'access_token' } });
  }
  if (place === undefined || !isForEvents(req, isForwarded)) return [];
  return isForwarded ? forwarded : (own[0] ?? []);
}

function isForEvents(req: Request, isForwarded: boolean): boolean {
  const methods = isForwarded ? headersOf(req, ORIGINAL_METHOD) : [];
  const isRead = [req.method, ...methods].every((method) => method === 'GET' || method === 'HEAD');
  return isRead && EVENT_STREAM.test(req.headers.accept ?? '');
}

function headersOf(req: Request, names: readonly string[]): string[] {
  return names.flatMap((name) => req.headersDistinct[name] ?? []);
}

/** Takes a name only as it is usually written, as the fast path of forward authentication does. */
function valuesOf(address: string, name: string): string[] {
  const from = address.indexOf('?');
  if (from === -1) return [];
  return address
    .slice(from + 1)
    .split('&')
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => decode(pair.slice(name.length + 1)));
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
