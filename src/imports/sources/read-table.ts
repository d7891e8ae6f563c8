import type { Knex } from 'knex';
import type { SourceRow } from './source-row.ts';

const PAGE = 1_000;

/** A table of another system's PostgreSQL; `id`: its key, by whose order it is read. */
export type SourceTable = { table: string; id: string };

/** Reads a table page by page, and writes nothing. The number of a row takes the place of a line. */
export async function* readTable(db: Knex, { table, id }: SourceTable): AsyncGenerator<SourceRow> {
  let line = 0;
  for (let after: unknown; ;) {
    const query = db(table).orderBy(id).limit(PAGE);
    if (after !== undefined) void query.where(id, '>', after as string);
    const rows: Record<string, unknown>[] = await query.select('*');
    for (const value of rows) yield { line: (line += 1), value };
    if (rows.length < PAGE) return;
    after = rows.at(-1)![id];
  }
}
