import { z } from 'zod';
import { WorkosFailure } from '../failure.ts';
import { MalformedAnswer } from './malformed-answer.ts';
import { toFailure } from './read-answer.ts';

type Query = Record<string, string>;

const PAGE = '100';
const NOT_FOUND = 404;

const List = z.object({ data: z.array(z.unknown()), list_metadata: z.object({ after: z.string().nullish() }) });

/**
 * Streams a list of WorkOS, newest first, with one page in memory. The list of an unknown owner is empty.
 * @throws WorkosFailure `malformed` for an item or page that cannot be read, also after earlier items were yielded
 */
export async function* listPages<S extends z.ZodType>(
  item: S,
  get: (query: Query) => Promise<{ data: unknown }>,
): AsyncGenerator<z.output<S>> {
  const seen = new Set<string>();
  let after: string | undefined;
  do {
    const page = await firstOr404(get, after);
    if (!page) return;
    for (const raw of page.data) yield readItem(item, raw);
    after = page.list_metadata.after ?? undefined;
    if (after !== undefined && seen.has(after)) throw toFailure(new MalformedAnswer('the cursor of a list repeats'));
    if (after !== undefined) seen.add(after);
  } while (after !== undefined);
}

function readItem<S extends z.ZodType>(item: S, raw: unknown): z.output<S> {
  try {
    return item.parse(raw);
  } catch (error) {
    throw toFailure(error);
  }
}

async function firstOr404(get: (query: Query) => Promise<{ data: unknown }>, after: string | undefined) {
  try {
    const { data } = await get({ limit: PAGE, order: 'desc', ...(after !== undefined && { after }) });
    return readItem(List, data);
  } catch (error) {
    if (after === undefined && error instanceof WorkosFailure && error.workosStatus === NOT_FOUND) return undefined;
    throw error;
  }
}
