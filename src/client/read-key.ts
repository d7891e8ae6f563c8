import { INVALID, MISSING, TWO_KEYS } from './refusal.ts';
import type { Refusal } from './refusal.ts';

const AUTHORIZATION = 'authorization';
const X_API_KEY = 'x-api-key';
const BEARER = /^bearer +(\S+) *$/i;
const KEY = /^[\x21-\x7e]{1,512}$/;

/**
 * The key that a request carries in `Authorization: Bearer` or `x-api-key`, or why it carries none. Read from the
 * headers as they came: Node keeps only the first of two `Authorization` headers, and two keys that differ are refused.
 */
export function readKey(rawHeaders: readonly string[]): string | Refusal {
  let key: string | undefined;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const found = keyIn(rawHeaders[i]!, rawHeaders[i + 1]!);
    if (found === undefined) continue;
    if (typeof found !== 'string') return found;
    if (key !== undefined && key !== found) return TWO_KEYS;
    key = found;
  }
  return key ?? MISSING;
}

function keyIn(name: string, value: string): string | Refusal | undefined {
  // Lengths first: most headers are neither.
  if (name.length === AUTHORIZATION.length && name.toLowerCase() === AUTHORIZATION)
    return bounded(BEARER.exec(value)?.[1]);
  if (name.length === X_API_KEY.length && name.toLowerCase() === X_API_KEY) return bounded(value.trim());
  return undefined;
}

function bounded(key: string | undefined): string | Refusal {
  return key !== undefined && KEY.test(key) ? key : INVALID;
}
