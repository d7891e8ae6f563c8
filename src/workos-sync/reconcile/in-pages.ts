export const PAGE = 100;

/** Gathers what comes one by one, so that a page of it is asked about at once and no more is held in memory. */
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

/** Reads what is listed in the order of its ids to its end. */
export async function* throughIds(list: (after: string, limit: number) => Promise<string[]>): AsyncGenerator<string> {
  for (let after: string | undefined = ''; after !== undefined;) {
    const ids = await list(after, PAGE);
    yield* ids;
    after = ids.length < PAGE ? undefined : ids.at(-1);
  }
}
