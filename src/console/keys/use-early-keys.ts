import { useQueryClient } from '@tanstack/preact-query';
import { useLocation } from 'preact-iso';
import { useMemo } from 'preact/hooks';
import { keyPages } from '../data/queries.ts';
import { useSessionControl } from '../session/session-control.ts';
import { ASSUMED_FACTS, readKeysQuery } from './keys-query.ts';

const LIST = '/console/keys';

/** Asks for the list together with the facts of the page, where the list is what the page opens with. */
export function useEarlyKeys(): void {
  const { client } = useSessionControl();
  const { path, query } = useLocation();
  const queries = useQueryClient();
  useMemo(() => {
    if (path === LIST) void queries.prefetchInfiniteQuery(keyPages(client, readKeysQuery(query, ASSUMED_FACTS)));
  }, []);
}
