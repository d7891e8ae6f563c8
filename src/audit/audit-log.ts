import type { Knex } from 'knex';
import type { Clock } from '../clock.ts';
import { ulid } from '../ids.ts';
import type { AuditEvent } from './audit-event.ts';
import { toRow } from './audit-row.ts';
import { CHAIN_START, hashLink } from './chain.ts';

export type AuditLog = ReturnType<typeof makeAuditLog>;

/** The record of every state change: numbered without gaps and chained by hash in each organization. */
export function makeAuditLog({ clock }: { clock: Clock }) {
  return {
    /** Adds an event inside the transaction of the change that it records. */
    async append(trx: Knex.Transaction, event: AuditEvent): Promise<void> {
      const head = await lockHead(trx, event.organizationId);
      const occurredAt = clock();
      const sequence = head.sequence + 1;
      const recorded = { ...event, sequence, id: `audit_${ulid(occurredAt)}`, occurredAt };
      const hash = hashLink(head.hash, recorded);
      await trx('audit_events').insert(toRow(recorded, hash));
      await trx('audit_heads').where({ organization_id: event.organizationId }).update({ sequence, hash });
    },
  };
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
