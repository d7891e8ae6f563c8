import { Client } from 'pg';
import { serverUrlsOf } from '../config/database-url.ts';

export type DatabaseServer = ReturnType<typeof makeDatabaseServer>;

const PROBE_MS = 1_000;

/** Names the process that serves a connection: another start, or another server, is another. */
export const SERVER_IDENTITY = 'select extract(epoch from pg_postmaster_start_time())::text as identity';

/**
 * The server that this process writes to and reads from: of several that an address names, the first that is no
 * standby. All connections lead to the one on which changes are listened to, so that nothing is read from an old
 * primary while another shows itself to be alive.
 */
export function makeDatabaseServer(databaseUrl: string) {
  const urls = serverUrlsOf(databaseUrl) ?? [databaseUrl];
  const only = urls.length === 1 ? urls[0] : undefined;
  let chosen = only;
  let doubted: string | undefined;
  let searching: Promise<string> | undefined;
  let followed: string | undefined;

  async function search(): Promise<string> {
    // The one that did not do is taken again if no other does.
    const ordered = urls.toSorted((a, b) => Number(a === doubted) - Number(b === doubted));
    const answers = ordered.map((url) => ({ url, isPrimary: isPrimary(url) }));
    for (const { url, isPrimary: answer } of answers) if (await answer) return (chosen = url);
    throw new Error('None of the database servers is a primary');
  }

  return {
    /** Where to connect. @throws Error, which counts as the database being unavailable, if no server is a primary */
    async find(): Promise<string> {
      if (chosen !== undefined) return chosen;
      searching ??= search().finally(() => (searching = undefined));
      return searching;
    },

    /** The server did not do: the next connection looks for another one first. */
    doubt(): void {
      doubted = chosen ?? doubted;
      chosen = only;
    },

    /** Whether connections are to lead elsewhere than to this address. */
    isElsewhere: (url: string): boolean => chosen !== url,

    /** Changes are listened to on the server with this identity. */
    follow(identity: string): void {
      followed = identity;
    },

    isFollowed: (identity: string | undefined): boolean => followed === undefined || identity === followed,
  };
}

async function isPrimary(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: PROBE_MS, query_timeout: PROBE_MS });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return !(await isStandby(client));
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

export async function isStandby(client: Pick<Client, 'query'>): Promise<boolean> {
  const { rows } = await client.query<{ standby: boolean }>('select pg_is_in_recovery() as standby');
  return rows[0]?.standby === true;
}
