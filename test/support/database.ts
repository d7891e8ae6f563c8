import { randomBytes } from 'node:crypto';
import type { Knex } from 'knex';
import { inject } from 'vitest';
import { connectDatabase } from '../../src/db/connect.ts';
import { takeEmbedded } from './embedded-databases.ts';
import { withDatabase } from './global-setup.ts';

export type TestDatabase = {
  db: Knex;
  kind: 'server' | 'embedded';
  /** Its connection string; an embedded database has none. */
  url?: string;
  close(): Promise<void>;
};

/** Creates a migrated database for one test file. */
export async function freshDatabase(): Promise<TestDatabase> {
  const source = inject('template');
  if (source.kind === 'embedded') {
    return { kind: 'embedded', ...(await takeEmbedded(source.dumpFile)) };
  }
  const name = `latchkey_test_${randomBytes(6).toString('hex')}`;
  const admin = connectDatabase({ url: source.url, poolMax: 1, statementTimeoutMs: null });
  await admin.raw('create database ?? template ??', [name, source.template]);
  const url = withDatabase(source.url, name);
  const db = connectDatabase({ url, poolMax: 10 });
  return {
    db,
    kind: 'server',
    url,
    async close() {
      await db.destroy();
      await admin.raw('drop database if exists ?? with (force)', [name]);
      await admin.destroy();
    },
  };
}
