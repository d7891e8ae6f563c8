import { z } from 'zod';
import { ID } from '../ids.ts';
import { invalidFields } from './validate.ts';

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;
const CURSOR = z.string().regex(ID, 'Give the id of an item of this list.');

/** The query parameters of every list, as in WorkOS's API: newest first; `after` and `before` are ids of items. */
export const pageQuery = {
  limit: z
    .string()
    .regex(/^\d{1,3}$/, 'Give a number from 1 to 100.')
    .transform(Number)
    .pipe(z.number().min(1, 'Give a number from 1 to 100.').max(MAX_LIMIT, 'Give a number from 1 to 100.'))
    .default(DEFAULT_LIMIT)
    .meta({ override: { type: 'integer', minimum: 1, maximum: MAX_LIMIT, default: DEFAULT_LIMIT } })
    .describe('How many items, at most.'),
  after: CURSOR.optional().describe('Items older than this one.'),
  before: CURSOR.optional().describe(
    'Items newer than this one. An item that is recorded late, with an older time, is not among them; read from the start to find it.',
  ),
};

export type PageRequest = { limit: number; after?: string | undefined; before?: string | undefined };
export type Page<T> = { data: T[]; before: string | undefined; after: string | undefined };

export function listOf<S extends z.ZodType>(item: S) {
  return z.object({
    data: z.array(item),
    list_metadata: z.object({
      before: z.string().nullable().describe('Give this as `before` for newer items; null when there are none.'),
      after: z.string().nullable().describe('Give this as `after` for older items; null when there are none.'),
    }),
  });
}

export function viewPage<T, V>(page: Page<T>, view: (item: T) => V) {
  return { data: page.data.map(view), list_metadata: { before: page.before ?? null, after: page.after ?? null } };
}

/** Returns the cursor of a page and its direction. @throws AppError `validation_error` if both are given */
export function directionOf(page: PageRequest): {
  cursor: string | undefined;
  field: 'after' | 'before';
  older: boolean;
} {
  if (page.after !== undefined && page.before !== undefined) {
    throw invalidFields({ before: 'Give after or before, not both.' });
  }
  const older = page.before === undefined;
  return { cursor: page.after ?? page.before, field: older ? 'after' : 'before', older };
}

export function unknownCursor(field: string): Error {
  return invalidFields({ [field]: 'There is no such item in this list.' });
}

/** Makes a page of rows, nearest to the cursor first; one row beyond the limit means that there are more. */
export function toPage<T>(rows: readonly T[], page: PageRequest, idOf: (row: T) => string): Page<T> {
  const { older, cursor } = directionOf(page);
  const more = rows.length > page.limit;
  const kept = rows.slice(0, page.limit);
  const data = older ? kept : kept.toReversed();
  const first = data[0];
  const last = data.at(-1);
  if (!first || !last) return { data, before: undefined, after: undefined };
  const hasNewer = older ? cursor !== undefined : more;
  const hasOlder = older ? more : true;
  return { data, before: hasNewer ? idOf(first) : undefined, after: hasOlder ? idOf(last) : undefined };
}
