import type { Knex } from 'knex';
import type { LinkedEvent } from '../audit/audit-event.ts';
import type { Clock } from '../clock.ts';
import { ulid } from '../ids.ts';
import { WORKOS_ENDPOINT } from '../product/webhook-types.ts';
import type { NoticeType } from '../product/webhook-types.ts';
import { describeForWorkos } from './audit-logs/describe-for-workos.ts';
import type { Notice } from './webhook.ts';

type Deps = {
  endpoints: readonly { name: string; events?: readonly NoticeType[] | undefined }[];
  forwardsAudit: boolean;
  clock: Clock;
};
type Letter = { endpoint: string; type: string; body: string };

/** Since when each endpoint is told of what the clock brings. */
export type Since = ReadonlyMap<string, Date>;
export type OutboxWriter = ReturnType<typeof makeOutboxWriter>;

/** What fails for so long is dead. */
export const RETRY_MS = 3 * 24 * 60 * 60_000;

/** Writes what is to be told into the transaction of what happened, for each endpoint that wants it. */
export function makeOutboxWriter({ endpoints, forwardsAudit, clock }: Deps) {
  const takes = ({ events }: Deps['endpoints'][number], type: NoticeType) => events?.includes(type) ?? true;

  return {
    /** Whether anybody wants notices of this type; where nobody does, nothing need be found out. */
    wants: (type: NoticeType): boolean => endpoints.some((endpoint) => takes(endpoint, type)),

    /** @param since what happened before is not told to the endpoint; everything is, if not given */
    async tell(
      trx: Knex.Transaction,
      organizationId: string,
      notices: readonly Notice[],
      since?: Since,
    ): Promise<void> {
      const letters = notices.flatMap(({ type, happenedAt, data }) =>
        endpoints
          .filter((endpoint) => takes(endpoint, type) && isAfter(happenedAt, since, endpoint.name))
          .map(({ name }) => ({
            endpoint: name,
            type,
            body: JSON.stringify({ type, timestamp: happenedAt.toISOString(), data }),
          })),
      );
      await put(trx, organizationId, letters, clock());
    },

    /** Audit events on their way to WorkOS Audit Logs, where that is switched on. */
    async forward(trx: Knex.Transaction, organizationId: string, events: readonly LinkedEvent[]): Promise<void> {
      if (!forwardsAudit) return;
      const letters = events.map((event) => ({
        endpoint: WORKOS_ENDPOINT,
        type: event.action,
        body: JSON.stringify(describeForWorkos(event)),
      }));
      await put(trx, organizationId, letters, clock());
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
  letters: readonly Letter[],
  now: Date,
): Promise<void> {
  if (letters.length === 0) return;
  await wakeLanes(trx, organizationId, [...new Set(letters.map(({ endpoint }) => endpoint))].toSorted(), now);
  const retryUntil = new Date(now.getTime() + RETRY_MS);
  await trx('outbox').insert(
    letters.map((letter) => ({
      ...letter,
      id: `notice_${ulid(now)}`,
      organization_id: organizationId,
      created_at: now,
      retry_until: retryUntil,
    })),
  );
}

/** Has lanes looked at, and holds them until the transaction ends; one that waits for its next try goes on waiting. */
export async function wakeLanes(
  trx: Knex.Transaction,
  organizationId: string,
  endpoints: readonly string[],
  now: Date,
): Promise<void> {
  await trx('outbox_lanes')
    .insert(endpoints.map((endpoint) => ({ endpoint, organization_id: organizationId, due_at: now })))
    .onConflict(['endpoint', 'organization_id'])
    .merge({ due_at: trx.raw('coalesce(outbox_lanes.due_at, excluded.due_at)') });
}
