import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/preact-query';
import type { InfiniteData } from '@tanstack/preact-query';
import { useCallback, useEffect } from 'preact/hooks';
import type { ListWebhookDeliveries, Page, WebhookDelivery, WebhookDeliveryDetails } from '../../client/client.ts';
import type { Query } from '../data/location.ts';
import { daysIn } from '../records/days.ts';
import { useConsoleSession } from '../session/session.ts';

export const STATUSES = ['pending', 'retrying', 'delivered', 'failed'] as const;

/** What is sent, as the service names it. */
export const TYPES = [
  'api_key.created',
  'api_key.rotated',
  'api_key.revoked',
  'api_key.leaked',
  'api_key.suspended',
  'api_key.resumed',
  'api_key.expiring',
  'api_key.unused',
  'api_key.limit_reached',
  'organization.posture_changed',
  'access_review.ready',
] as const;

const PAGE = 100;
const LOOK_AGAIN_MS = 1_000;
/** After a replay so often; an inactive session must be able to end. */
const LOOKS = 30;

/** What the address asks for. */
export function readDeliveriesQuery(query: Query): ListWebhookDeliveries {
  return {
    status: STATUSES.find((status) => status === query['status']),
    type: TYPES.find((type) => type === query['type']),
    ...daysIn(query),
  };
}

export function useDeliveries(query: ListWebhookDeliveries) {
  const { client } = useConsoleSession();
  return useInfiniteQuery({
    queryKey: ['deliveries', query],
    queryFn: ({ pageParam, signal }) =>
      client.webhookDeliveries.list({ ...query, limit: PAGE, after: pageParam }, { signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.list_metadata.after ?? undefined,
    placeholderData: (shown) => shown,
  });
}

/** One delivery with its attempts; while it is watched, it is read again until the next attempt has a result. */
export function useDelivery(id: string, isWatched: boolean) {
  const { client } = useConsoleSession();
  const show = useShowInList();
  const found = useQuery<WebhookDeliveryDetails>({
    queryKey: ['delivery', id],
    // An older state must not replace what the list has by then.
    gcTime: 0,
    queryFn: ({ signal }) => client.webhookDeliveries.get(id, { signal }),
    refetchInterval: ({ state }) =>
      isWatched && state.data?.status === 'pending' && state.dataUpdateCount < LOOKS ? LOOK_AGAIN_MS : false,
  });
  useEffect(() => {
    if (found.data) show(found.data);
  }, [found.data, show]);
  return found;
}

export function useReplay({ id, ended_at: endedAt }: WebhookDelivery) {
  const { client } = useConsoleSession();
  const queries = useQueryClient();
  const show = useShowInList();
  return useMutation({
    // The same for every try after the same end: a repetition after a lost answer replays nothing twice.
    mutationFn: () => client.webhookDeliveries.replay(id, { idempotencyKey: `${id} ${endedAt}` }),
    onSuccess(replayed) {
      show(replayed);
      queries.setQueryData<WebhookDeliveryDetails>(['delivery', id], (shown) => shown && { ...shown, ...replayed });
    },
    onError: () => queries.invalidateQueries({ queryKey: ['delivery', id] }),
  });
}

type Pages = InfiniteData<Page<WebhookDelivery>>;

/** Returns the function that puts a newer state of a delivery in its place in each list. */
function useShowInList() {
  const queries = useQueryClient();
  return useCallback(
    (delivery: WebhookDelivery) => {
      queries.setQueriesData<Pages>({ queryKey: ['deliveries'] }, (shown) => shown && withNewer(shown, delivery));
    },
    [queries],
  );
}

function withNewer(shown: Pages, delivery: WebhookDelivery): Pages {
  const newer = (one: WebhookDelivery) => (one.id === delivery.id ? delivery : one);
  return { ...shown, pages: shown.pages.map((page) => ({ ...page, data: page.data.map(newer) })) };
}
