import type { ApiKey } from '../../client/client.ts';

const LAST = 4;
const LEAST = 12;

/** The last four characters of a pasted secret; undefined when it is too short to be one. */
export function lastFourOf(pasted: string): string | undefined {
  const secret = secretIn(pasted);
  return secret.length < LEAST ? undefined : secret.slice(-LAST);
}

/** The keys whose obfuscated form fits a pasted secret: its beginning and its end. */
export function findPresented<K extends Pick<ApiKey, 'prefix'>>(keys: readonly K[], pasted: string): K[] {
  const secret = secretIn(pasted);
  return keys.filter(({ prefix }) => {
    const [, head = '', tail = ''] = /^(.*?)(?:\.{2,}|…|\*+|•+)(.*)$/.exec(prefix) ?? [];
    return tail !== '' && secret.startsWith(head) && secret.endsWith(tail);
  });
}

/** The secret in a pasted line, which may be of an `.env` file, a header or a log. */
function secretIn(pasted: string): string {
  const parts = pasted.split(/[\s'"`=:,;<>()]+/).filter((part) => part.length > 0);
  return parts.reduce((longest, part) => (part.length > longest.length ? part : longest), '');
}
