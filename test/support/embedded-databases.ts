import { readFile } from 'node:fs/promises';
import type { PGlite } from '@electric-sql/pglite';
import type { Knex } from 'knex';
import { knexOf, openEmbedded } from '../../src/db/connect-embedded.ts';

/** Rows that migrations leave behind, as JSON, by table. */
type Rows = Readonly<Record<string, string>>;
type Reusable = { pglite: PGlite; rows: Rows; catalog: string };

/** More would only take memory: few test files have more databases open at once. */
const MAX_IDLE = 3;

// Loading one takes ten times as long as emptying it. The files of a worker run one after another and share these.
const idle: Reusable[] = [];

/** An embedded database as the migrations left it: one that an earlier test emptied, else a new one from the dump. */
export async function takeEmbedded(dumpFile: string): Promise<{ db: Knex; close(): Promise<void> }> {
  const reusable = idle.pop() ?? (await load(dumpFile));
  const db = knexOf(reusable.pglite);
  return {
    db,
    async close() {
      await db.destroy();
      await giveBack(reusable);
    },
  };
}

async function load(dumpFile: string): Promise<Reusable> {
  const pglite = await openEmbedded({ loadDataDir: new Blob([await readFile(dumpFile)]) });
  const rows: Record<string, string> = {};
  for (const table of await tablesWithRows(pglite)) {
    const [found] = await query<{ rows: string }>(pglite, `select json_agg(t)::text as rows from ${table} t`);
    rows[table] = found!.rows;
  }
  return { pglite, rows, catalog: await readCatalog(pglite) };
}

/** Keeps the database for the next test, unless the test has changed more than rows of tables. */
async function giveBack({ pglite, rows, catalog }: Reusable): Promise<void> {
  await pglite.exec('rollback');
  await pglite.exec('discard all');
  if (idle.length >= MAX_IDLE || (await readCatalog(pglite)) !== catalog) return pglite.close();
  // Without triggers: audit events refuse to be truncated.
  await pglite.exec('set session_replication_role = replica');
  const tables = await tablesWithRows(pglite);
  if (tables.length > 0) await pglite.exec(`truncate ${tables.join(', ')} cascade`);
  for (const [table, json] of Object.entries(rows)) {
    await pglite.query(`insert into ${table} select * from json_populate_recordset(null::${table}, $1)`, [json]);
  }
  await pglite.exec(`
    select setval(format('%I.%I', schemaname, sequencename)::regclass, 1, false)
    from pg_sequences where last_value is not null and sequencename not like 'knex%';
    reset session_replication_role;
    checkpoint`);
  idle.push({ pglite, rows, catalog: await readCatalog(pglite) });
}

async function tablesWithRows(pglite: PGlite): Promise<string[]> {
  const tables = await query<{ name: string }>(
    pglite,
    `select oid::regclass::text as name from pg_class where relnamespace = 'public'::regnamespace
     and relkind in ('r', 'p') and not relispartition and relname not like 'knex%'`,
  );
  const each = tables.map(({ name }) => `select '${name}' as name where exists (select 1 from ${name})`);
  return (await query<{ name: string }>(pglite, each.join(' union all '))).map(({ name }) => name);
}

const CATALOGS =
  'class attribute attrdef constraint index inherits type proc trigger namespace authid auth_members default_acl extension'
    .split(' ')
    .map((name) => `pg_${name}`);

/** Returns a value that changes when a row of a system catalog or a migration is written or removed. */
async function readCatalog(pglite: PGlite): Promise<string> {
  const each = [...CATALOGS, 'knex_migrations', 'knex_migrations_lock'].map(
    (name) => `select '${name}' as name, count(*) as rows, max(xmin::text::bigint) as written from ${name}`,
  );
  return JSON.stringify(await query(pglite, each.join(' union all ')));
}

async function query<Row>(pglite: PGlite, sql: string): Promise<Row[]> {
  return (await pglite.query<Row>(sql)).rows;
}
