import { PGlite } from '@electric-sql/pglite';
import type { PGliteOptions } from '@electric-sql/pglite';
import { createPgConfig } from '@electric-sql/pglite/node-postgres';
import knex from 'knex';
import type { Knex } from 'knex';

export type EmbeddedDatabase = { db: Knex; pglite: PGlite; close(): Promise<void> };

const ACQUIRE_TIMEOUT_MS = 10_000;

/** PostgreSQL's default of 128 MB would be allocated at start; this database is small and has its files in memory. */
const SETTINGS = ['-c', 'shared_buffers=16MB'];

/**
 * Opens PostgreSQL inside this process, through knex's pg dialect. It has one connection: a query outside an open
 * transaction waits for that transaction. Two processes must never open one folder; see `holdDataFolder`.
 */
export async function connectEmbedded(options: PGliteOptions): Promise<EmbeddedDatabase> {
  const pglite = await openEmbedded(options);
  const db = knexOf(pglite);
  return {
    db,
    pglite,
    async close() {
      await db.destroy();
      await pglite.close();
    },
  };
}

export function openEmbedded(options: PGliteOptions): Promise<PGlite> {
  return PGlite.create({ ...options, startParams: [...PGlite.defaultStartParams, ...SETTINGS] });
}

/** A pool of the one connection; its end leaves the database open. */
export function knexOf(pglite: PGlite): Knex {
  return knex({
    client: 'pg',
    connection: () => createPgConfig(pglite) as unknown as Knex.PgConnectionConfig,
    pool: { min: 1, max: 1, acquireTimeoutMillis: ACQUIRE_TIMEOUT_MS },
    acquireConnectionTimeout: ACQUIRE_TIMEOUT_MS,
  });
}
