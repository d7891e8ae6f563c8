import { z } from 'zod';

/** An address as libpq takes it: `postgres://user:password@host:port,host:port/name?parameters`. */
const PARTS = /^(postgres(?:ql)?:\/\/(?:[^@/?#]*@)?)([^@/?#]*)((?:\/[^?#]*)?)(?:\?([^#]*))?$/;
const MAX_SERVERS = 10;
const ATTRIBUTE = 'target_session_attrs';
/** Latchkey needs a server that takes writes. */
const WRITABLE: readonly string[] = ['read-write', 'primary'];

/**
 * Splits a `DATABASE_URL` into one address for each of its servers.
 * @returns undefined for any other text, or if it asks for a server that takes no writes
 */
export function serverUrlsOf(databaseUrl: string): string[] | undefined {
  const [, start, hosts = '', path = '', query = ''] = PARTS.exec(databaseUrl) ?? [];
  if (start === undefined) return undefined;
  const parameters = new URLSearchParams(query);
  if (parameters.getAll(ATTRIBUTE).some((value) => !WRITABLE.includes(value))) return undefined;
  parameters.delete(ATTRIBUTE);
  const rest = parameters.size === 0 ? path : `${path}?${parameters.toString()}`;
  const servers = hosts.split(',');
  const urls = servers.map((host) => `${start}${host}${rest}`);
  const isEach = urls.every((url) => z.url().safeParse(url).success) && (servers.length === 1 || !servers.includes(''));
  return isEach && urls.length <= MAX_SERVERS ? urls : undefined;
}

/** The address of one server, which may take no writes. */
export const ReadUrl = z
  .string()
  .refine((url) => serverUrlsOf(url)?.length === 1, 'needs a postgres:// address of one server');

export const DatabaseUrl = z
  .string()
  .refine((url) => serverUrlsOf(url) !== undefined, `needs a postgres:// address; with ${ATTRIBUTE}, read-write`);
