import { infiniteQueryOptions, useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/preact-query';
import type { InfiniteData } from '@tanstack/preact-query';
import type { AuditEvent, KeysUsage, ListApiKeys, ListAuditEvents, Page, UsageQuery } from '../../client/client.ts';
import type { KeyMethods } from '../../client/key-methods.ts';
import { useSessionControl } from '../session/session-control.ts';
import { useConsoleSession } from '../session/session.ts';

const MINUTE_MS = 60_000;
const PAGE = 100;
/** The service asks for a name that it misses; by then it has it. */
const NAMED_MS = 2_000;
/** The first page of keys is what a window shows, and quickly there; `src/console-server` preloads it. */
const FIRST_KEYS = 25;

/** Who the caller is. */
export function useMe() {
  const { client } = useSessionControl();
  return useQuery({
    queryKey: ['me'],
    queryFn: ({ signal }) => client.session.get({ signal }),
    staleTime: 5 * MINUTE_MS,
  });
}

export function useOrganization() {
  const { client } = useSessionControl();
  return useQuery({
    queryKey: ['organization'],
    queryFn: ({ signal }) => client.organization.get({ signal }),
    staleTime: MINUTE_MS,
  });
}

/** What the product offers; it changes with a release only. */
export function useProduct() {
  const { client } = useSessionControl();
  return useQuery({
    queryKey: ['product'],
    queryFn: ({ signal }) => client.product.get({ signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

export function usePermissionSets() {
  const { client } = useSessionControl();
  return useQuery({
    queryKey: ['permission-sets'],
    queryFn: async ({ signal }) => (await client.permissionSets.list({ signal })).data,
    staleTime: 5 * MINUTE_MS,
  });
}

export function usePermissions() {
  const { client } = useSessionControl();
  return useQuery({
    queryKey: ['permissions'],
    queryFn: async ({ signal }) => (await client.permissions.list({ signal })).data,
    staleTime: 5 * MINUTE_MS,
  });
}

/** Keys page by page. */
export function keyPages(client: KeyMethods, query: ListApiKeys) {
  return infiniteQueryOptions({
    queryKey: ['keys', query],
    queryFn: ({ pageParam: after, signal }) => {
      const page = { limit: after === undefined ? FIRST_KEYS : PAGE, after };
      return client.keys.list({ ...query, ...page }, { signal });
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.list_metadata.after ?? undefined,
  });
}

/** Asks for a list that may be shown soon; the function that is returned gives it up. */
export function useAskAhead() {
  const { client } = useSessionControl();
  const queries = useQueryClient();
  return (query: ListApiKeys) => {
    const pages = keyPages(client, query);
    void queries.prefetchInfiniteQuery(pages);
    return () => void queries.cancelQueries({ queryKey: pages.queryKey, exact: true });
  };
}

/** Keys page by page; earlier results stay while others load. */
export function useKeys(query: ListApiKeys) {
  const { client } = useSessionControl();
  return useInfiniteQuery({ ...keyPages(client, query), placeholderData: (shown) => shown });
}

/**
 * How many keys a list has; undefined while that is unknown, or for too many to count. They are counted once the first page
 * is there, which shows without, and not at all where that page is the whole list.
 */
export function useKeyCount(query: ListApiKeys, { data, isPlaceholderData }: ReturnType<typeof useKeys>) {
  const { client } = useSessionControl();
  const first = data?.pages[0];
  const isWhole = first?.list_metadata.after === null;
  const counted = useQuery({
    queryKey: ['keys', query, 'count'],
    queryFn: ({ signal }) => client.keys.list({ ...query, limit: 1, count: true }, { signal }),
    enabled: first !== undefined && !isPlaceholderData && !isWhole,
  }).data?.list_metadata.total;
  return isWhole ? first.data.length : (counted ?? undefined);
}

export function useKey(id: string) {
  const { client } = useSessionControl();
  return useQuery({
    queryKey: ['key', id],
    queryFn: ({ signal }) => client.keys.get(id, { signal }),
    refetchInterval: ({ state }) => onceMore(state, ({ created_by: creator }) => [creator]),
  });
}

export function useKeyUsage(id: string, query: UsageQuery) {
  const { client } = useSessionControl();
  return useQuery({
    queryKey: ['key', id, 'usage', query],
    queryFn: ({ signal }) => client.keys.usage(id, query, { signal }),
    placeholderData: (shown) => shown,
  });
}

export function useOrganizationUsage(query: UsageQuery) {
  const { client } = useConsoleSession();
  return useQuery({
    queryKey: ['usage', query],
    queryFn: ({ signal }) => client.organization.usage(query, { signal }),
    placeholderData: (shown) => shown,
  });
}

export function useAuditEvents(query: ListAuditEvents) {
  const { client } = useConsoleSession();
  return useInfiniteQuery({
    queryKey: ['audit', query],
    refetchInterval: ({ state }: Read<InfiniteData<Page<AuditEvent>>>) =>
      onceMore(state, (shown) => shown.pages.flatMap(({ data }) => data.map(({ actor }) => actor))),
    queryFn: ({ pageParam, signal }) => client.audit.list({ ...query, limit: PAGE, after: pageParam }, { signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.list_metadata.after ?? undefined,
    placeholderData: (shown) => shown,
  });
}

type Read<Data> = { state: { data: Data | undefined; dataUpdateCount: number } };
type Actor = { kind: string; name: string | null };

/** Says when to read once more what shows a person by id alone. */
function onceMore<Data>({ data, dataUpdateCount }: Read<Data>['state'], actorsOf: (shown: Data) => Actor[]) {
  if (!data || dataUpdateCount > 1) return false;
  return actorsOf(data).some(({ kind, name }) => kind === 'user' && name === null) && NAMED_MS;
}

export const SHOWN_DAYS = 14;
const DAY_MS = 86_400_000;

/** The daily usage of listed keys, with one request for each page of the list. Pages that fail are left out. */
export function useListedUsage(pages: readonly (readonly string[])[]) {
  const { client } = useSessionControl();
  const queries = useQueryClient();
  const from = new Date(Math.floor(Date.now() / DAY_MS - SHOWN_DAYS + 1) * DAY_MS).toISOString();
  const ofPage = (ids: readonly string[]) =>
    queries.fetchQuery({
      queryKey: ['usage', 'page', from, ids],
      queryFn: ({ signal }) => client.keys.usageOfMany(ids, { interval: 'day', from }, { signal }),
      staleTime: MINUTE_MS,
    });
  const { data } = useQuery({
    queryKey: ['usage', 'listed', from, pages],
    queryFn: async () => (await Promise.allSettled(pages.filter((ids) => ids.length > 0).map(ofPage))).flatMap(usageIn),
    staleTime: MINUTE_MS,
    placeholderData: (shown) => shown,
  });
  return new Map((data ?? []).map((usage) => [usage.id, usage] as const));
}

function usageIn(page: PromiseSettledResult<KeysUsage>): KeysUsage['data'] {
  return page.status === 'fulfilled' ? page.value.data : [];
}
