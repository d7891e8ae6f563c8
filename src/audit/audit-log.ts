import type { Knex } from 'knex';
import type { Clock } from '../clock.ts';
import type { Unsent } from '../db/pipeline.ts';
import { ulid } from '../ids.ts';
import { changesKeys } from './audit-event.ts';
import type { AuditEvent, LinkedEvent, RecordedEvent } from './audit-event.ts';
import type { Chain } from './chain.ts';
import { appendEachEvent, appendEvents, lockHead, lockHeadAfter, lockHeads } from './chain-heads.ts';
import type { Head } from './chain-heads.ts';

export type AuditLogDeps = {
  /** Invalidates caches of what changed: logged in the transaction, notified when it has committed. */
  announce: (trx: Knex.Transaction, change: { organizationId: string; keyId?: string | undefined }) => Promise<void>;
  /** Enqueues webhooks of what is recorded, in the transaction too. */
  publish?: (trx: Knex.Transaction, organizationId: string, events: readonly LinkedEvent[]) => Promise<void>;
  chain: Pick<Chain, 'link'>;
  clock: Clock;
};

export type AuditLog = ReturnType<typeof makeAuditLog>;

/** Records every state change of an organization, numbered without gaps and linked into a chain. */
export function makeAuditLog({ announce, publish = publishNothing, chain, clock }: AuditLogDeps) {
  const held: HeldHeads = new WeakMap();
  const record = (trx: Knex.Transaction, organizationId: string, events: readonly AuditEvent[]) =>
    append({ trx, chain, held }, events, { organizationId, occurredAt: clock() });

  return {
    /** Runs a statement of a change and locks the chain for its event, in one round trip. */
    async afterwards<T>(trx: Knex.Transaction, organizationId: string, statement: Unsent<T>): Promise<T> {
      const { head, result } = await lockHeadAfter(trx, organizationId, statement);
      held.set(trx, { organizationId, head });
      return result;
    },

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
      held.delete(trx);
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

/** The chain that a transaction has locked last, and where it ends by now. */
type HeldHeads = WeakMap<Knex.Transaction, { organizationId: string; head: Head }>;

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
  { trx, chain, held }: { trx: Knex.Transaction; chain: Pick<Chain, 'link'>; held: HeldHeads },
  events: readonly AuditEvent[],
  at: { organizationId: string; occurredAt: Date },
): Promise<LinkedEvent[]> {
  const { organizationId } = at;
  const locked = held.get(trx);
  let head = locked?.organizationId === organizationId ? locked.head : await lockHead(trx, organizationId);
  const linked = events.map((each) => {
    const event = linkTo(chain, head, each, at);
    head = { sequence: event.sequence, hash: event.link.hash };
    return event;
  });
  await appendEvents(trx, organizationId, linked);
  held.set(trx, { organizationId, head });
  return linked;
}
