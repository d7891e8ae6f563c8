import type { Knex } from 'knex';
import type { AuditEvent, AuditSource } from '../../audit/audit-event.ts';
import { keyEvent } from '../key-audit.ts';
import { failProvisioningRows } from './mirror-row.ts';
import type { EndedRow } from './mirror-row.ts';

/** Rate at which deletions come due, which leaves room for the calls of other organizations. */
type Deps = { deletionsPerSecond: number };
export type RevokeSomeKeys = ReturnType<typeof makeRevokeSomeKeys>;

const BATCH = 200;
/** Advisory lock that serializes additions to the queue of deletions. */
const QUEUE = [1_280_592_203, 1];

/**
 * Revokes one batch of an organization's keys, expired ones included, and fails its provisionings. The settler deletes
 * the keys at WorkOS, each due a little after the one before.
 * @returns the audit events to append, and whether there may be more keys
 */
export function makeRevokeSomeKeys({ deletionsPerSecond }: Deps) {
  return async function revokeSomeKeys(
    trx: Knex.Transaction,
    organizationId: string,
    source: AuditSource,
    now: Date,
  ): Promise<{ events: AuditEvent[]; more: boolean }> {
    await failProvisioningRows(trx, organizationId, now);
    const rows = await revokeRows(trx, { organizationId, which: ALL }, now, 1_000 / deletionsPerSecond);
    return { events: eventsOf(organizationId, rows, source, 'decommissioned'), more: rows.length === BATCH };
  };
}

/** Revokes one batch of the unexpired keys of a CI policy. The settler deletes them at WorkOS, as above. */
export function makeRevokePolicyKeys({ deletionsPerSecond }: Deps) {
  return async function revokePolicyKeys(
    trx: Knex.Transaction,
    { organizationId, id }: { organizationId: string; id: string },
    source: AuditSource,
    now: Date,
  ): Promise<{ events: AuditEvent[]; more: boolean }> {
    const which = { sql: "origin = 'ci' and created_by_id = ? and expires_at > ?", values: [id, now] };
    const rows = await revokeRows(trx, { organizationId, which }, now, 1_000 / deletionsPerSecond);
    return { events: eventsOf(organizationId, rows, source, 'ci_policy_deleted'), more: rows.length === BATCH };
  };
}

function eventsOf(organizationId: string, rows: readonly EndedRow[], source: AuditSource, reason: string) {
  return rows.map(({ workos_id: id, label }) =>
    keyEvent(organizationId, id, 'api_key.revoked', source, { label, reason }),
  );
}

/** Which of an organization's active keys, as a condition in SQL. */
type Which = { sql: string; values: readonly (string | Date)[] };
const ALL: Which = { sql: 'true', values: [] };

// All organizations share one queue of deletions: a batch comes due after the last one that waits, also when two
// organizations are decommissioned at once. The lock is taken last, so its holder waits for no other organization.
async function revokeRows(
  trx: Knex.Transaction,
  { organizationId, which }: { organizationId: string; which: Which },
  now: Date,
  everyMs: number,
): Promise<EndedRow[]> {
  await trx.raw('select pg_advisory_xact_lock(?, ?)', QUEUE);
  const { rows } = await trx.raw<{ rows: EndedRow[] }>(
    `with active as (
       select id from api_keys where organization_id = ? and status = 'active' and ${which.sql} order by id limit ? for update
     ), numbered as (select id, row_number() over (order by id) as n from active),
     queue as (select greatest(?::timestamptz, max(due_at)) as ends_at from api_keys where due_at is not null)
     update api_keys as key
     set status = 'revoked', revoked_at = ?, updated_at = ?, attempts = 0,
         due_at = case key.origin when 'imported' then null
           else queue.ends_at + numbered.n * ?::float8 * interval '1 millisecond' end
     from numbered, queue
     where key.organization_id = ? and key.id = numbered.id
     returning key.id, key.workos_id, key.label`,
    [organizationId, ...which.values, BATCH, now, now, now, everyMs, organizationId],
  );
  return rows.sort((a, b) => (a.id < b.id ? -1 : 1));
}
