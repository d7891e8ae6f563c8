import type { Page } from '../../client/shapes.ts';

const PAGE = 100;

type Asked = { limit: number; after?: string };

/** Reads pages until there are as many keys as wanted: all of them, unless a limit is given. Returns the last with all keys. */
export async function readPages<Item, Answer extends Page<Item>>(
  read: (page: Asked) => Promise<Answer & Page<Item>>,
  limit = Infinity,
): Promise<Answer & Page<Item>> {
  const data: Item[] = [];
  for (let after: string | undefined; ;) {
    const page = await read({ limit: Math.min(PAGE, limit - data.length), ...(after !== undefined && { after }) });
    data.push(...page.data);
    after = page.list_metadata.after ?? undefined;
    if (after === undefined || data.length >= limit) return { ...page, data };
  }
}
