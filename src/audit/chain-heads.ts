import type { Knex } from 'knex';
import type { LinkedEvent } from './audit-event.ts';
import { toRow } from './audit-row.ts';

export type Head = { sequence: number; hash: Buffer };
/** `sealedSequence`: the last event that is sealed, by the database's own count. */
export type MarkedHead = Head & { sealedSequence: number };
export type OrganizationHead = Head & { organizationId: string };

/** Locks the head of an organization's chain until the transaction ends; of a new chain it is the start. */
export async function lockHead(trx: Knex.Transaction, organizationId: string): Promise<Head> {
  const { rows } = await trx.raw<{ rows: { head_sequence: string; head_hash: Buffer }[] }>(
    'select head_sequence, head_hash from lock_audit_head(?)',
    [organizationId],
  );
  const head = rows[0]!;
  return { sequence: Number(head.head_sequence), hash: head.head_hash };
}

/** Appends events to the head that `lockHead` returned, and moves the head. */
export async function appendEvents(
  trx: Knex.Transaction,
  organizationId: string,
  events: readonly LinkedEvent[],
): Promise<void> {
  const rows = events.map((event) => toRow(event, event.link));
  await trx.raw('select append_audit_events(?, ?::jsonb)', [organizationId, JSON.stringify(rows)]);
}

/** Lists heads that have moved since their last seal, by organization, after `after`. */
export async function unsealedHeads(db: Knex, after: string, limit: number): Promise<OrganizationHead[]> {
  const { rows } = await db.raw<{ rows: { organization_id: string; sequence: string; hash: Buffer }[] }>(
    `select organization_id, sequence, hash from audit_chain_heads
     where sequence <> sealed_sequence and organization_id > ? order by organization_id limit ?`,
    [after, limit],
  );
  return rows.map((row) => ({ organizationId: row.organization_id, sequence: Number(row.sequence), hash: row.hash }));
}

/** Marks heads as sealed, except those that are locked. */
export async function markSealed(db: Knex, heads: readonly OrganizationHead[]): Promise<void> {
  await db.raw('select mark_audit_heads_sealed(?::text[], ?::bigint[])', [
    heads.map(({ organizationId }) => organizationId),
    heads.map(({ sequence }) => sequence),
  ]);
}
