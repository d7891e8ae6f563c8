import { hash } from 'node:crypto';
import type { LeakOrigin } from './origins.ts';
import type { ReportedToken } from './report-schemas.ts';

/** Where a key was found, as it may be recorded: without the key in it. */
export type Place = {
  origin: LeakOrigin;
  /** The kind of place, such as `commit`, in lower case; null where the sender names none that is a word. */
  source: string | null;
  /** Null where the sender gives none, or the key could be read in it. */
  url: string | null;
};

const MAX_URL = 2_048;
const SOURCE = /^[a-z][a-z_]{0,39}$/;

/** Returns the place of a reported token. Only web addresses are kept, without a user, a password or the token. */
export function placeOf(origin: LeakOrigin, { token, url = '', source = '' }: ReportedToken): Place {
  const word = source.toLowerCase();
  return { origin, source: SOURCE.test(word) && !hasToken(word, token) ? word : null, url: safeUrl(url, token) };
}

/** Returns what makes a place known again: its address, whichever sender reports it. */
export function nameOfPlace({ origin, source, url }: Place): Buffer {
  return hash('sha256', url ?? `${origin} ${source}`, 'buffer');
}

function safeUrl(sent: string, token: string): string | null {
  const url = URL.parse(sent);
  if (!url || !/^https?:$/.test(url.protocol)) return null;
  url.username = '';
  url.password = '';
  if (url.href.length <= MAX_URL && !hasToken(url.href, token)) return url.href;
  return url.origin.length <= MAX_URL && !hasToken(url.origin, token) ? `${url.origin}/` : null;
}

/** Also finds a token whose characters are percent-encoded, or of which a host has made small letters. */
function hasToken(text: string, token: string): boolean {
  const sought = token.toLowerCase();
  return text.toLowerCase().includes(sought) || decoded(text).toLowerCase().includes(sought);
}

function decoded(text: string): string {
  return text.replaceAll(/%([0-9a-f]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}
