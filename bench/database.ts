import { randomBytes } from 'node:crypto';
import { connectDatabase } from '../src/db/connect.ts';
import { migrate } from '../src/db/migrations.ts';
import type { Lifetime } from '../src/process/shutdown.ts';

/** Creates a database on that server, migrated or empty; it is dropped when the lifetime ends. */
export async function emptyDatabase(
  lifetime: Lifetime,
  serverUrl: string,
  { schema = true }: { schema?: boolean } = {},
): Promise<string> {
  const name = `latchkey_bench_${randomBytes(6).toString('hex')}`;
  const admin = connectDatabase({ url: serverUrl, poolMax: 1, statementTimeoutMs: null });
  lifetime.onEnd(() => admin.destroy());
  await admin.raw('create database ??', [name]);
  lifetime.onEnd(() => admin.raw('drop database if exists ?? with (force)', [name]));
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  if (schema) {
    const db = connectDatabase({ url: url.href, poolMax: 1, statementTimeoutMs: null });
    await migrate(db);
    await db.destroy();
  }
  return url.href;
}

export async function databaseVersion(serverUrl: string | undefined): Promise<string> {
  if (serverUrl === undefined) return 'embedded (PGlite)';
  const db = connectDatabase({ url: serverUrl, poolMax: 1 });
  const { rows } = await db.raw<{ rows: { server_version: string }[] }>('show server_version');
  await db.destroy();
  return `PostgreSQL ${rows[0]!.server_version.split(' ')[0]}`;
}
