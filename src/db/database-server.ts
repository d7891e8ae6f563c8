import { Client } from 'pg';
import { serverUrlsOf } from '../config/database-url.ts';

export type DatabaseServer = ReturnType<typeof makeDatabaseServer>;

const PROBE_MS = 1_000;

/** Identifies the server process of a connection; it differs for another server and after a restart. */
export const SERVER_IDENTITY = 'select extract(epoch from pg_postmaster_start_time())::text as identity';

/**
 * Chooses the server of all connections: of those in `DATABASE_URL`, the first that is no standby. The pool uses the same
 * server as the `LISTEN` connection, so that the replica never reads from an old primary while a new one is alive.
 */
export function makeDatabaseServer(databaseUrl: string) {
  const urls = serverUrlsOf(databaseUrl) ?? [databaseUrl];
  const only = urls.length === 1 ? urls[0] : undefined;
  let chosen = only;
  let doubted: string | undefined;
  let searching: Promise<string> | undefined;
  let followed: string | undefined;

  async function search(): Promise<string> {
    // The doubted server comes last.
    const ordered = urls.toSorted((a, b) => Number(a === doubted) - Number(b === doubted));
    const answers = ordered.map((url) => ({ url, isPrimary: isPrimary(url) }));
    for (const { url, isPrimary: answer } of answers) if (await answer) return (chosen = url);
    throw new Error('None of the database servers is a primary');
  }

  return {
    /** Returns the address to connect to. @throws Error, which counts as unavailable, if no server is a primary */
    async find(): Promise<string> {
      if (chosen !== undefined) return chosen;
      searching ??= search().finally(() => (searching = undefined));
      return searching;
    },

    /** Records that the server failed: the next connection tries the others first. */
    doubt(): void {
      doubted = chosen ?? doubted;
      chosen = only;
    },

    /** Whether another address than this one is chosen. */
    isElsewhere: (url: string): boolean => chosen !== url,

    /** Records the identity of the server of the `LISTEN` connection. */
    follow(identity: string): void {
      followed = identity;
    },

    isFollowed: (identity: string | undefined): boolean => followed === undefined || identity === followed,
  };
}

/** The server of the `LISTEN` connection: one beside a pooler is asked for directly, and the pool has to lead to it. */
export function makeListenServer(pool: DatabaseServer, listenUrl: string | undefined) {
  return listenUrl === undefined ? pool : { ...makeDatabaseServer(listenUrl), follow: pool.follow };
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
