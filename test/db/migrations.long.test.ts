import { readFile } from 'node:fs/promises';
import { afterEach, expect, test } from 'vitest';
import { describeSchema } from '../../scripts/describe-schema.ts';
import { assertMigrated, migrate, migrationSource } from '../../src/db/migrations.ts';
import { StartError } from '../../src/errors.ts';
import { freshDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';

const COMMITTED = new URL('../../migrations/schema.sql', import.meta.url);
const names = (await migrationSource.getMigrations([])).map((migration) => migrationSource.getMigrationName(migration));

let database: TestDatabase;

afterEach(() => database.close());

test('produces the committed schema on every PostgreSQL (`npm run schema` writes it)', async () => {
  database = await freshDatabase();
  expect(await describeSchema(database.db)).toBe(await readFile(COMMITTED, 'utf8'));
});

test('leaves nothing when all migrations are undone, and the same schema when they run again', async () => {
  database = await freshDatabase();
  const { db } = database;
  const before = await describeSchema(db);
  for (const name of names.toReversed()) await db.migrate.down({ migrationSource, name });
  expect(await describeSchema(db)).toBe('');
  expect(await migrate(db)).toEqual(names);
  expect(await describeSchema(db)).toBe(before);
});

test('undoes each migration exactly', async () => {
  database = await freshDatabase();
  const { db } = database;
  await db.migrate.rollback({ migrationSource }, true);
  let before = await describeSchema(db);
  for (const name of names) {
    await db.migrate.up({ migrationSource, name });
    const after = await describeSchema(db);
    await db.migrate.down({ migrationSource, name });
    expect(await describeSchema(db), `after ${name} was undone`).toBe(before);
    await db.migrate.up({ migrationSource, name });
    expect(await describeSchema(db), `after ${name} was done again`).toBe(after);
    before = after;
  }
}, 60_000);

test('does nothing on a database that is up to date', async () => {
  database = await freshDatabase();
  expect(await migrate(database.db)).toEqual([]);
  await expect(assertMigrated(database.db)).resolves.toBeUndefined();
});

test('refuses to start on a database that is behind, naming the missing migrations and the command', async () => {
  database = await freshDatabase();
  const last = names.at(-1)!;
  await database.db.migrate.down({ migrationSource, name: last });
  const refused = assertMigrated(database.db);
  await expect(refused).rejects.toBeInstanceOf(StartError);
  await expect(refused).rejects.toThrow(
    new RegExp(`^The database is behind by 1 migration.*\\(${last}\\).*npm run migrate`),
  );
});

test('starts without migrating where a newer release has migrated', async () => {
  database = await freshDatabase();
  const { db } = database;
  const newer = { name: '29991231235959_of_a_newer_release', batch: 99, migration_time: new Date() };
  await db('knex_migrations').insert(newer);
  await expect(assertMigrated(db)).resolves.toBeUndefined();
  expect(await migrate(db)).toEqual([]);
  await db('knex_migrations')
    .where({ name: names.at(-1)! })
    .delete();
  await expect(assertMigrated(db)).rejects.toThrow(names.at(-1)!);
});
