import { INVALID, TWO_KEYS } from './refusal.ts';
import type { Refusal } from './refusal.ts';

const BEARER = /^bearer +(\S+) *$/i;
/** An access token of WorkOS, or an opaque one. A key of an import may begin like the first, and has no dots. */
const SESSION = /^(?:eyJ[\w-]*\.[\w-]+\.[\w-]+|lkus_[\w-]+)$/;
const TOKEN = /^[\x21-\x7e]{1,8192}$/;
const BAD: Refusal = { ...INVALID, details: { credential: 'access_token' } };

/**
 * Reads the token of a person's session from `x-access-token` or `Authorization: Bearer`, or returns the refusal. Returns
 * undefined when the request has none; a key beside a session is refused.
 */
export function readSession(rawHeaders: readonly string[]): string | Refusal | undefined {
  const tokens = new Set<string>();
  let hasSession = false;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase();
    const value = rawHeaders[i + 1]!.trim();
    if (name === 'x-access-token') hasSession = true;
    else if (name !== 'x-api-key' && name !== 'authorization') continue;
    const token = name === 'authorization' ? (BEARER.exec(value)?.[1] ?? '') : value;
    if (name === 'authorization' && SESSION.test(token)) hasSession = true;
    tokens.add(token);
  }
  if (!hasSession) return undefined;
  const [token = '', ...others] = tokens;
  if (others.length > 0) return TWO_KEYS;
  return TOKEN.test(token) ? token : BAD;
}
