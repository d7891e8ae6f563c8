export const PAGE = 100;

/** Groups a stream into pages, so that each page takes one query and no more is held in memory. */
export async function* inPages<T>(items: AsyncIterable<T>): AsyncGenerator<T[]> {
  let page: T[] = [];
  for await (const item of items) {
    page.push(item);
    if (page.length < PAGE) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

/** Streams all ids of a list that is ordered by id. */
export async function* throughIds(list: (after: string, limit: number) => Promise<string[]>): AsyncGenerator<string> {
  for (let after: string | undefined = ''; after !== undefined;) {
    const ids = await list(after, PAGE);
    yield* ids;
    after = ids.length < PAGE ? undefined : ids.at(-1);
  }
}
