import type { Knex } from 'knex';

/** Returns every row of every table as PostgreSQL writes it, with bytes in hexadecimal. */
export async function dumpRows(db: Knex): Promise<string> {
  const { rows: tables } = await db.raw<{ rows: { name: string }[] }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
     where schemaname not in ('pg_catalog', 'information_schema') order by 1`,
  );
  const texts: string[] = [];
  for (const { name } of tables) {
    const { rows } = await db.raw<{ rows: { text: string }[] }>(`select row_text::text as text from ${name} row_text`);
    texts.push(`-- ${name}`, ...rows.map(({ text }) => text));
  }
  return texts.join('\n');
}

/** Returns the bytes of the database's files (tables, indexes, write-ahead log) as one latin1 text. */
export async function dumpFiles(db: Knex): Promise<string> {
  await db.raw('checkpoint');
  const { rows } = await db.raw<{ rows: { bytes: Buffer }[] }>(
    `select pg_read_binary_file(pg_relation_filepath(oid)) as bytes from pg_class
     where relkind in ('r', 'i', 't') and relnamespace not in (select oid from pg_namespace where nspname = 'pg_catalog')
     union all
     select pg_read_binary_file('pg_wal/' || name) from (
       select name from pg_ls_waldir() where name ~ '^[0-9A-F]{24}$' order by modification desc, name desc limit 2
     ) as newest`,
  );
  return rows.map(({ bytes }) => bytes.toString('latin1')).join('\n');
}

/** Whether the files can be read: on a server only by its superuser. */
export async function mayReadFiles(db: Knex): Promise<boolean> {
  const { rows } = await db.raw<{ rows: { may: boolean }[] }>(
    'select rolsuper as may from pg_roles where rolname = current_user',
  );
  return rows[0]?.may === true;
}
