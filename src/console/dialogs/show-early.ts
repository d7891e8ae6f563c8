import type { InfiniteData, QueryClient } from '@tanstack/preact-query';
import type { ApiKey, KeyPage, UpdateApiKey } from '../../client/client.ts';

const EARLY: readonly string[] = ['label', 'description'];

/** Whether a change is of names alone, which no rule but that of their form can refuse. */
export function isNameOnly(change: UpdateApiKey): boolean {
  return Object.keys(change).every((name) => EARLY.includes(name));
}

/** Shows a key's new names before the service has answered. Returns the way back. */
export function showEarly(queries: QueryClient, { id }: ApiKey, { label, description }: UpdateApiKey): () => void {
  const names = { ...(label !== undefined && { label }), ...(description !== undefined && { description }) };
  const renamed = (key: ApiKey): ApiKey => (key.id === id ? { ...key, ...names } : key);
  const [one, lists] = [{ queryKey: ['key', id], exact: true }, { queryKey: ['keys'] }];
  for (const each of [one, lists]) void queries.cancelQueries(each);
  const before = [one, lists].flatMap((each) => queries.getQueriesData(each));
  queries.setQueriesData<ApiKey>(one, (key) => key && renamed(key));
  queries.setQueriesData<InfiniteData<KeyPage>>(lists, (list) => {
    // The search for a leaked key is one page.
    if (!list || !('pages' in list)) return list;
    return { ...list, pages: list.pages.map((page) => ({ ...page, data: page.data.map(renamed) })) };
  });
  return () => {
    for (const [queryKey, data] of before) queries.setQueryData(queryKey, data);
    for (const each of [one, lists]) void queries.invalidateQueries(each);
  };
}
