import type { Knex } from 'knex';
import type { Clock } from '../clock.ts';
import { ulid } from '../ids.ts';
import { isOfSession } from './audit-event.ts';
import type { AuditEvent, RecordedEvent } from './audit-event.ts';
import { toRow } from './audit-row.ts';
import { CHAIN_START, hashLink } from './chain.ts';

type Deps = {
  /** Tells who keeps what changed in memory; inside the transaction, so that it is told when it commits. */
  announce: (trx: Knex.Transaction, change: { organizationId: string; keyId?: string | undefined }) => Promise<void>;
  /** Tells others of what is recorded, inside the transaction too; nobody, if not given. */
  tell?: (trx: Knex.Transaction, organizationId: string, events: readonly RecordedEvent[]) => Promise<void>;
  clock: Clock;
};

export type AuditLog = ReturnType<typeof makeAuditLog>;

/** The record of every state change: numbered without gaps and chained by hash in each organization. */
export function makeAuditLog({ announce, tell = tellNobody, clock }: Deps) {
  return {
    /** Adds an event inside the transaction of the change that it records. */
    async append(trx: Knex.Transaction, event: AuditEvent): Promise<void> {
      const { organizationId, target } = event;
      await tell(trx, organizationId, await link(trx, organizationId, [event], clock()));
      if (isOfSession(event)) return;
      await announce(trx, { organizationId, keyId: target.kind === 'api_key' ? target.id : undefined });
    },

    /** The same for many events of one organization, in this order; what is kept of it in memory is dropped as a whole. */
    async appendAll(trx: Knex.Transaction, organizationId: string, events: readonly AuditEvent[]): Promise<void> {
      if (events.length === 0) return;
      await tell(trx, organizationId, await link(trx, organizationId, events, clock()));
      if (!events.every(isOfSession)) await announce(trx, { organizationId });
    },
  };
}

const tellNobody = () => Promise.resolve();

async function link(
  trx: Knex.Transaction,
  organizationId: string,
  events: readonly AuditEvent[],
  occurredAt: Date,
): Promise<RecordedEvent[]> {
  let { sequence, hash } = await lockHead(trx, organizationId);
  const recorded: RecordedEvent[] = [];
  const rows = events.map((event) => {
    sequence += 1;
    const link = { ...event, organizationId, sequence, id: `audit_${ulid(occurredAt)}`, occurredAt };
    recorded.push(link);
    hash = hashLink(hash, link);
    return toRow(link, hash);
  });
  await trx('audit_events').insert(rows);
  await trx('audit_heads').where({ organization_id: organizationId }).update({ sequence, hash });
  return recorded;
}

async function lockHead(trx: Knex.Transaction, organizationId: string): Promise<{ sequence: number; hash: Buffer }> {
  // The update changes nothing: it is there so that the row is locked and returned, whoever made it.
  const { rows } = await trx.raw<{ rows: { sequence: string; hash: Buffer }[] }>(
    `insert into audit_heads as head (organization_id, sequence, hash) values (?, 0, ?)
     on conflict (organization_id) do update set sequence = head.sequence
     returning sequence, hash`,
    [organizationId, CHAIN_START],
  );
  const head = rows[0]!;
  return { sequence: Number(head.sequence), hash: head.hash };
}
