import type { Knex } from 'knex';
import type { LinkedEvent } from '../audit/audit-event.ts';
import type { Clock } from '../clock.ts';
import { later } from '../db/pipeline.ts';
import { ulid } from '../ids.ts';
import { WORKOS_ENDPOINT } from '../product/webhook-types.ts';
import type { WebhookType } from '../product/webhook-types.ts';
import { describeForWorkos } from './audit-logs/describe-for-workos.ts';
import type { WebhookEvent } from './webhook.ts';

type Deps = {
  endpoints: readonly { name: string; events?: readonly WebhookType[] | undefined }[];
  forwardsAudit: boolean;
  clock: Clock;
};
type Delivery = { endpoint: string; type: string; body: string };

/** Since when each endpoint receives events that the clock brings. */
export type Since = ReadonlyMap<string, Date>;
export type OutboxWriter = ReturnType<typeof makeOutboxWriter>;

/** A delivery that still fails after this time is dead. */
export const RETRY_MS = 3 * 24 * 60 * 60_000;

/** The id of a delivery is this and a ULID of when it was written. */
export const DELIVERY_PREFIX = 'notice_';

/** Enqueues webhooks in the transaction of the change, for each endpoint that wants their type. */
export function makeOutboxWriter({ endpoints, forwardsAudit, clock }: Deps) {
  const takes = ({ events }: Deps['endpoints'][number], type: WebhookType) => events?.includes(type) ?? true;

  return {
    /** Whether any endpoint wants this type; otherwise nothing need be read for it. */
    wants: (type: WebhookType): boolean => endpoints.some((endpoint) => takes(endpoint, type)),

    /** @param since an endpoint does not receive what happened earlier; if not given, it receives everything */
    async publish(
      trx: Knex.Transaction,
      organizationId: string,
      events: readonly WebhookEvent[],
      since?: Since,
    ): Promise<void> {
      const deliveries = events.flatMap(({ type, happenedAt, data }) =>
        endpoints
          .filter((endpoint) => takes(endpoint, type) && isAfter(happenedAt, since, endpoint.name))
          .map(({ name }) => ({
            endpoint: name,
            type,
            body: JSON.stringify({ type, timestamp: happenedAt.toISOString(), data }),
          })),
      );
      await put(trx, organizationId, deliveries, clock());
    },

    /** Enqueues audit events for WorkOS Audit Logs, if audit forwarding is on. */
    async forward(trx: Knex.Transaction, organizationId: string, events: readonly LinkedEvent[]): Promise<void> {
      if (!forwardsAudit) return;
      const deliveries = events.map((event) => ({
        endpoint: WORKOS_ENDPOINT,
        type: event.action,
        body: JSON.stringify(describeForWorkos(event)),
      }));
      await put(trx, organizationId, deliveries, clock());
    },
  };
}

function isAfter(happenedAt: Date, since: Since | undefined, endpoint: string): boolean {
  const from = since?.get(endpoint);
  return from === undefined || happenedAt >= from;
}

async function put(
  trx: Knex.Transaction,
  organizationId: string,
  deliveries: readonly Delivery[],
  now: Date,
): Promise<void> {
  if (deliveries.length === 0) return;
  await wakeQueues(trx, organizationId, [...new Set(deliveries.map(({ endpoint }) => endpoint))].toSorted(), now);
  const retryUntil = new Date(now.getTime() + RETRY_MS);
  const rows = deliveries.map((delivery) => ({
    ...delivery,
    id: DELIVERY_PREFIX + ulid(now),
    organization_id: organizationId,
    created_at: now,
    retry_until: retryUntil,
  }));
  await later(trx('outbox').insert(rows));
}

/** Makes queues due and locks them until the transaction ends; one that waits for its next attempt goes on waiting. */
export async function wakeQueues(
  trx: Knex.Transaction,
  organizationId: string,
  endpoints: readonly string[],
  now: Date,
): Promise<void> {
  const queues = endpoints.map((endpoint) => ({ endpoint, organization_id: organizationId, due_at: now }));
  const woken = { due_at: trx.raw('coalesce(outbox_lanes.due_at, excluded.due_at)') };
  await later(trx('outbox_lanes').insert(queues).onConflict(['endpoint', 'organization_id']).merge(woken));
}
