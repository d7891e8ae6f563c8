import type { Knex } from 'knex';
import { inOrder, later } from '../db/pipeline.ts';
import type { Unsent } from '../db/pipeline.ts';
import type { LinkedEvent } from './audit-event.ts';
import { toRow } from './audit-row.ts';

export type Head = { sequence: number; hash: Buffer };
/** `sealedSequence`: the last event that is sealed, by the database's own count. */
export type MarkedHead = Head & { sealedSequence: number };
export type OrganizationHead = Head & { organizationId: string };

type HeadRows = { rows: { head_sequence: string; head_hash: Buffer }[] };

/** Locks the head of an organization's chain until the transaction ends; of a new chain it is the start. */
export async function lockHead(trx: Knex.Transaction, organizationId: string): Promise<Head> {
  return toHead(await headOf(trx, organizationId));
}

/** Runs a statement and locks the head after it, in one round trip. */
export async function lockHeadAfter<T>(
  trx: Knex.Transaction,
  organizationId: string,
  statement: Unsent<T>,
): Promise<{ head: Head; result: T }> {
  const [result, rows] = await inOrder(trx, statement, headOf(trx, organizationId));
  return { head: toHead(rows), result };
}

function headOf(trx: Knex.Transaction, organizationId: string) {
  return trx.raw<HeadRows>('select head_sequence, head_hash from lock_audit_head(?)', [organizationId]);
}

function toHead({ rows }: HeadRows): Head {
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
  await later(trx.raw('select append_audit_events(?, ?::jsonb)', [organizationId, JSON.stringify(rows)]));
}

/** Locks the heads of many organizations, in the order of their ids, so that two transactions wait and do not block. */
export async function lockHeads(
  trx: Knex.Transaction,
  organizationIds: readonly string[],
): Promise<ReadonlyMap<string, Head>> {
  const { rows } = await trx.raw<{ rows: { organization_id: string; head_sequence: string; head_hash: Buffer }[] }>(
    `select o.id as organization_id, head.head_sequence, head.head_hash
     from (select id from unnest(?::text[]) as id order by id) o cross join lateral lock_audit_head(o.id) head`,
    [[...new Set(organizationIds)].toSorted()],
  );
  return new Map(
    rows.map((row) => [row.organization_id, { sequence: Number(row.head_sequence), hash: row.head_hash }]),
  );
}

/** Appends one event to each of the heads that `lockHeads` returned. */
export async function appendEachEvent(trx: Knex.Transaction, events: readonly LinkedEvent[]): Promise<void> {
  await trx.raw(
    'select append_audit_events(e.organization, e.events::jsonb) from unnest(?::text[], ?::text[]) as e (organization, events)',
    [
      events.map(({ organizationId }) => organizationId),
      events.map((event) => JSON.stringify([toRow(event, event.link)])),
    ],
  );
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
