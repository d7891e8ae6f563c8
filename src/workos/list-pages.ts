import { z } from 'zod';
import { WorkosFailure } from './failure.ts';

type Query = Record<string, string>;

const PAGE = '100';
const NOT_FOUND = 404;

const List = z.object({ data: z.array(z.unknown()), list_metadata: z.object({ after: z.string().nullish() }) });

/** Streams a list of WorkOS's, newest first, one page in memory; an owner that is not there has an empty list. */
export async function* listPages<S extends z.ZodType>(
  item: S,
  get: (query: Query) => Promise<{ data: unknown }>,
): AsyncGenerator<z.output<S>> {
  let after: string | undefined;
  do {
    const page = await firstOr404(get, after);
    if (!page) return;
    for (const raw of page.data) yield item.parse(raw);
    const next = page.list_metadata.after ?? undefined;
    // A cursor that does not move would never end.
    after = next === after ? undefined : next;
  } while (after !== undefined);
}

async function firstOr404(get: (query: Query) => Promise<{ data: unknown }>, after: string | undefined) {
  try {
    const { data } = await get({ limit: PAGE, order: 'desc', ...(after !== undefined && { after }) });
    return List.parse(data);
  } catch (error) {
    if (after === undefined && error instanceof WorkosFailure && error.workosStatus === NOT_FOUND) return undefined;
    throw error;
  }
}
