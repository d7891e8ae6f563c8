import { z } from 'zod';
import type { SQLInputValue } from 'node:sqlite';
import type { Store } from '../state/store.ts';
import { ulidOf } from '../ulid.ts';
import { invalidRequest } from './http-error.ts';
import { parse } from './parse.ts';

const PageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(10),
  before: z.string().min(1).optional(),
  after: z.string().min(1).optional(),
  order: z.enum(['asc', 'desc', 'normal']).default('desc'),
});
export type PageQuery = z.output<typeof PageQuery>;

/** Selects the rows of `table` that match `where`, whose question marks `values` fill. */
export type Selection = { table: string; where: string; values: readonly SQLInputValue[] };
type Positioned = { id: string; position: string };
type Page<Row> = { rows: Row[]; before: string | null; after: string | null };

export const readPageQuery = (query: URLSearchParams): PageQuery =>
  parse(
    PageQuery,
    Object.fromEntries(
      ['limit', 'before', 'after', 'order'].flatMap((name) => (query.has(name) ? [[name, query.get(name)]] : [])),
    ),
  );

/**
 * Returns one page by keyset. With `asc` and `desc`, `after` continues in list order. `normal` is newest first like `desc`,
 * but `after` means newer and `before` older, as in WorkOS's later documentation.
 */
export function selectPage<Row extends Positioned>(store: Store, selection: Selection, query: PageQuery): Page<Row> {
  const newestFirst = query.order !== 'asc';
  const cursor = query.after ?? query.before;
  const readsBack = cursor !== undefined && (query.after !== undefined) === (query.order === 'normal');
  const ascending = newestFirst === readsBack;
  const rows = selectRows<Row>(store, selection, { cursor, ascending, limit: query.limit + 1 });
  const more = rows.length > query.limit;
  const page = rows.slice(0, query.limit);
  if (readsBack) page.reverse();
  const hasPrevious = readsBack ? more : cursor !== undefined;
  const hasNext = readsBack || more;
  const previous = hasPrevious ? (page[0]?.id ?? null) : null;
  const next = hasNext ? (page.at(-1)?.id ?? null) : null;
  return query.order === 'normal'
    ? { rows: page, before: next, after: previous }
    : { rows: page, before: previous, after: next };
}

type Reading = { cursor: string | undefined; ascending: boolean; limit: number };

function selectRows<Row>(
  store: Store,
  { table, where, values }: Selection,
  { cursor, ascending, limit }: Reading,
): Row[] {
  const order = `order by position ${ascending ? 'asc' : 'desc'} limit ?`;
  if (cursor === undefined) return store.all<Row>(`select * from ${table} where ${where} ${order}`, ...values, limit);
  const beyond = `position ${ascending ? '>' : '<'} ?`;
  const position = positionOf(store, table, cursor);
  return store.all<Row>(`select * from ${table} where ${where} and ${beyond} ${order}`, ...values, position, limit);
}

/** Returns the position of a row, also when it was deleted between two pages: its id holds the position. */
function positionOf(store: Store, table: string, id: string): string {
  const row = store.get<{ position: string }>(`select position from ${table} where id = ?`, id);
  const position = row?.position ?? ulidOf(id);
  if (position) return position;
  throw invalidRequest([{ field: 'after', code: 'invalid_cursor', message: `No such object: '${id}'.` }]);
}

export const listBody = (
  data: readonly object[],
  { before, after }: { before: string | null; after: string | null },
): object => ({
  object: 'list',
  data,
  list_metadata: { before, after },
});
