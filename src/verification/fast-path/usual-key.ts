import type { IncomingMessage } from 'node:http';
import { isThereTwice } from '../../http/server/raw-headers.ts';

const BEARER = 'Bearer ';

/**
 * Returns the credential of a request that presents one in the usual way: in one header, sent once, and without a body.
 * All others are the route's.
 */
export function usualKey({ headers, rawHeaders }: IncomingMessage): string | undefined {
  const { authorization, 'x-api-key': key } = headers;
  if (headers.host === undefined || isThereTwice(rawHeaders, 'host')) return undefined;
  if (headers['x-access-token'] !== undefined) return undefined;
  if (hasKeyInQuery(headers)) return undefined;
  if ((headers['content-length'] ?? '0') !== '0' || headers['transfer-encoding'] !== undefined) return undefined;
  if ((authorization === undefined) === (key === undefined)) return undefined;
  if (authorization === undefined) return isThereTwice(rawHeaders, 'x-api-key') ? undefined : String(key);
  if (!authorization.startsWith(BEARER) || isThereTwice(rawHeaders, 'authorization')) return undefined;
  return authorization.slice(BEARER.length);
}

/** Whether the original address carries a credential, which the route reads. */
function hasKeyInQuery(headers: IncomingMessage['headers']): boolean {
  const { 'x-forwarded-uri': forwarded, 'x-original-uri': original, 'x-original-url': url } = headers;
  return namesKey(forwarded) || namesKey(original) || namesKey(url);
}

function namesKey(address: string | string[] | undefined): boolean {
  return address !== undefined && String(address).includes('api_key=');
}
