import type { IncomingMessage } from 'node:http';
import { INVALID, MISSING, TOKEN_IN_QUERY, TWO_KEYS } from './refusal.ts';
import type { Refusal } from './refusal.ts';

const AUTHORIZATION = 'authorization';
const X_API_KEY = 'x-api-key';
const BEARER = /^bearer +(\S+) *$/i;
const IN_QUERY = 'api_key=';
const EVENT_STREAM = /(?:^|[\s,])text\/event-stream(?:[\s;,]|$)/i;
const KEY = /^[\x21-\x7e]{1,512}$/;

/**
 * Reads the key of a request from `Authorization: Bearer` or `x-api-key`, or returns the refusal. Reads raw headers: Node
 * keeps only the first of two `Authorization` headers, and two different keys are refused.
 */
export function readKey(rawHeaders: readonly string[], inQuery: readonly string[] = []): string | Refusal {
  let key: string | undefined;
  for (const found of inQuery) {
    if (found.startsWith('eyJ')) return TOKEN_IN_QUERY;
    const one = bounded(found);
    if (typeof one !== 'string') return one;
    if (key !== undefined && key !== one) return TWO_KEYS;
    key = one;
  }
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const found = keyIn(rawHeaders[i]!, rawHeaders[i + 1]!);
    if (found === undefined) continue;
    if (typeof found !== 'string') return found;
    if (key !== undefined && key !== found) return TWO_KEYS;
    key = found;
  }
  return key ?? MISSING;
}

/** Returns the keys in the query of a request for `text/event-stream`, whose clients cannot set headers; of others none. */
export function keysInQuery({ method, url = '', headers }: IncomingMessage): string[] {
  const from = url.indexOf('?');
  if (from === -1 || (method !== 'GET' && method !== 'HEAD') || !EVENT_STREAM.test(headers.accept ?? '')) return [];
  return url
    .slice(from + 1)
    .split('&')
    .filter((pair) => pair.startsWith(IN_QUERY))
    .map((pair) => decode(pair.slice(IN_QUERY.length)));
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

function keyIn(name: string, value: string): string | Refusal | undefined {
  // Lengths first, which is fast: most headers are neither.
  if (name.length === AUTHORIZATION.length && name.toLowerCase() === AUTHORIZATION)
    return bounded(BEARER.exec(value)?.[1]);
  if (name.length === X_API_KEY.length && name.toLowerCase() === X_API_KEY) return bounded(value.trim());
  return undefined;
}

function bounded(key: string | undefined): string | Refusal {
  return key !== undefined && KEY.test(key) ? key : INVALID;
}
