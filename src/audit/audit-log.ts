import type { Knex } from 'knex';
import type { Clock } from '../clock.ts';
import { ulid } from '../ids.ts';
import { changesKeys } from './audit-event.ts';
import type { AuditEvent, LinkedEvent, RecordedEvent } from './audit-event.ts';
import type { Chain } from './chain.ts';
import { appendEachEvent, appendEvents, lockHead, lockHeads } from './chain-heads.ts';
import type { Head } from './chain-heads.ts';

export type AuditLogDeps = {
  /** Invalidates caches of what changed, in the transaction: PostgreSQL delivers the notification when it commits. */
  announce: (trx: Knex.Transaction, change: { organizationId: string; keyId?: string | undefined }) => Promise<void>;
  /** Enqueues webhooks of what is recorded, in the transaction too. */
  publish?: (trx: Knex.Transaction, organizationId: string, events: readonly LinkedEvent[]) => Promise<void>;
  chain: Pick<Chain, 'link'>;
  clock: Clock;
};

export type AuditLog = ReturnType<typeof makeAuditLog>;

/** Records every state change of an organization, numbered without gaps and linked into a chain. */
export function makeAuditLog({ announce, publish = publishNothing, chain, clock }: AuditLogDeps) {
  const record = (trx: Knex.Transaction, organizationId: string, events: readonly AuditEvent[]) =>
    append(trx, chain, events, { organizationId, occurredAt: clock() });

  return {
    /** Adds an event inside the transaction of the change that it records. */
    async append(trx: Knex.Transaction, event: AuditEvent): Promise<void> {
      const { organizationId, target } = event;
      await publish(trx, organizationId, await record(trx, organizationId, [event]));
      if (!changesKeys(event)) return;
      await announce(trx, { organizationId, keyId: target.kind === 'api_key' ? target.id : undefined });
    },

    /**
     * Adds at most one event of each of many organizations, in few statements. It invalidates nothing and sends no
     * webhook but those of the audit log itself.
     */
    async appendEach(trx: Knex.Transaction, events: readonly AuditEvent[]): Promise<void> {
      if (events.length === 0) return;
      const occurredAt = clock();
      const heads = await lockHeads(
        trx,
        events.map(({ organizationId }) => organizationId),
      );
      const linked = events.map((event) => {
        const head = heads.get(event.organizationId)!;
        return linkTo(chain, head, event, { organizationId: event.organizationId, occurredAt });
      });
      await appendEachEvent(trx, linked);
      for (const event of linked) await publish(trx, event.organizationId, [event]);
    },

    /** Adds many events of one organization, in this order, and invalidates everything cached of it. */
    async appendAll(trx: Knex.Transaction, organizationId: string, events: readonly AuditEvent[]): Promise<void> {
      if (events.length === 0) return;
      await publish(trx, organizationId, await record(trx, organizationId, events));
      if (events.some(changesKeys)) await announce(trx, { organizationId });
    },
  };
}

const publishNothing = () => Promise.resolve();

/** An impersonator is the actor, and the details name the impersonated user; of staff they name the person. */
function asRecorded({ actingAs, staffId, ...event }: AuditEvent): AuditEvent {
  const details = {
    ...event.details,
    ...(actingAs !== undefined && { impersonated_user_id: actingAs }),
    ...(staffId !== undefined && { staff_id: staffId }),
  };
  return { ...event, details };
}

function linkTo(
  chain: Pick<Chain, 'link'>,
  { sequence, hash }: Head,
  each: AuditEvent,
  at: { organizationId: string; occurredAt: Date },
): LinkedEvent {
  const id = `audit_${ulid(at.occurredAt)}`;
  const event: RecordedEvent = { ...asRecorded(each), ...at, sequence: sequence + 1, id };
  return { ...event, link: chain.link(hash, event) };
}

async function append(
  trx: Knex.Transaction,
  chain: Pick<Chain, 'link'>,
  events: readonly AuditEvent[],
  at: { organizationId: string; occurredAt: Date },
): Promise<LinkedEvent[]> {
  let head = await lockHead(trx, at.organizationId);
  const linked = events.map((each) => {
    const event = linkTo(chain, head, each, at);
    head = { sequence: event.sequence, hash: event.link.hash };
    return event;
  });
  await appendEvents(trx, at.organizationId, linked);
  return linked;
}
