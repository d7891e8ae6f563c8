import { randomBytes } from 'node:crypto';
import { afterAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { connectDatabase } from '../../src/db/connect.ts';
import {
  assertMigrated,
  migrate,
  migrateBesideOthers,
  migrationSource,
  takeMigrationLock,
} from '../../src/db/migrations.ts';
import { withDatabase } from '../support/database-url.ts';
import { runEntry, startEntry } from './start.ts';

const { TEST_DATABASE_URL } = process.env;
if (TEST_DATABASE_URL === undefined)
  throw new Error('these tests need TEST_DATABASE_URL: sessions wait for each other');
const names = (await migrationSource.getMigrations([])).map((migration) => migrationSource.getMigrationName(migration));
/** Outside of a transaction, so that a kill leaves knex's lock behind. */
const CONCURRENT_INDEX = '20261122080000_index_expired_ci_keys';
const WAITS = 'Another process migrates this database; waiting until it is done.\n';
const WAIT_MS = 20_000;

const admin = connectDatabase({ url: TEST_DATABASE_URL, poolMax: 1, statementTimeoutMs: null });
afterAll(() => admin.destroy());
let url: string;

beforeEach(async () => {
  const name = `latchkey_test_${randomBytes(6).toString('hex')}`;
  await admin.raw('create database ??', [name]);
  onTestFinished(async () => void (await admin.raw('drop database if exists ?? with (force)', [name])));
  url = withDatabase(TEST_DATABASE_URL, name);
});

/** A session of the test's own. */
function open() {
  const db = connectDatabase({ url, poolMax: 1, statementTimeoutMs: null });
  onTestFinished(() => db.destroy());
  return db;
}

describe('npm run migrate', () => {
  test('of three releases at once migrates once, and every one succeeds', async () => {
    const ran = await Promise.all(Array.from({ length: 3 }, () => runEntry('cli/migrate', { DATABASE_URL: url })));
    expect(ran.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(ran.map(({ stdout }) => stdout).toSorted()).toEqual([
      'The database is up to date.\n',
      'The database is up to date.\n',
      names.map((name) => `ran ${name}\n`).join(''),
    ]);
    await expect(assertMigrated(open())).resolves.toBeUndefined();
  });

  test('waits for another session that migrates, and says so', async () => {
    const other = open();
    await takeMigrationLock(other, () => expect.unreachable());
    const waiting = startEntry('cli/migrate', { DATABASE_URL: url });
    await expect.poll(waiting.stderr, { timeout: WAIT_MS }).toBe(WAITS);
    expect(await other.schema.hasTable('tenants')).toBe(false);
    await other.destroy();
    expect(await waiting.exited).toEqual({ code: 0, signal: null });
    expect(waiting.stdout()).toContain(`ran ${names.at(-1)}\n`);
  });

  test('goes on where processes that began at once left two rows in the lock of knex', async () => {
    const db = open();
    await assertMigrated(db).catch(() => undefined);
    await db('knex_migrations_lock').insert({ is_locked: 0 });
    expect(await runEntry('cli/migrate', { DATABASE_URL: url })).toMatchObject({ code: 0, stderr: '' });
    await expect(assertMigrated(db)).resolves.toBeUndefined();
  });

  test('begins again when another process gets between its look and its lock', async () => {
    const db = open();
    await assertMigrated(db).catch(() => undefined);
    const other = open();
    await db('knex_migrations_lock').update({ is_locked: 1 });
    const migrating = migrateBesideOthers(other);
    await expect(migrating).resolves.toEqual(names);
    await expect(assertMigrated(db)).resolves.toBeUndefined();
  });

  test('goes on where a process was killed, once the statement that it left has ended', async () => {
    const db = open();
    await migrate(db);
    for (const name of names.slice(names.indexOf(CONCURRENT_INDEX)).toReversed())
      await db.migrate.down({ migrationSource, name });
    const watcher = open();
    const writer = await db.transaction();
    onTestFinished(async () => void (await writer.rollback()));
    await writer.raw('lock table api_keys in row exclusive mode');
    const killed = startEntry('cli/migrate', { DATABASE_URL: url });
    const waiting = () =>
      watcher('pg_stat_activity').whereRaw("datname = current_database() and wait_event_type = 'Lock'").pluck('query');
    await expect.poll(waiting, { timeout: WAIT_MS }).toEqual([expect.stringContaining('create index concurrently')]);
    killed.kill('SIGKILL');
    await killed.exited;
    expect(await watcher('knex_migrations_lock').pluck('is_locked')).toEqual([1]);
    const next = startEntry('cli/migrate', { DATABASE_URL: url });
    await expect.poll(next.stderr, { timeout: WAIT_MS }).toBe(WAITS);
    await writer.commit();
    expect(await next.exited).toEqual({ code: 0, signal: null });
    await expect(assertMigrated(db)).resolves.toBeUndefined();
  });
});
