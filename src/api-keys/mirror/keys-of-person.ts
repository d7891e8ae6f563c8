import type { Knex } from 'knex';
import type { AuditEvent, AuditSource } from '../../audit/audit-event.ts';
import { keyEvent } from '../key-audit.ts';
import type { KeyRow } from '../rows/key-row.ts';
import { failProvisioningRows } from './mirror-row.ts';
import type { EndedRow } from './mirror-row.ts';

type Person = { organizationId: string; userId: string };
type Announce = (
  trx: Knex.Transaction,
  change: { organizationId: string; keyId?: string | undefined },
) => Promise<void>;

const REVOKE_BATCH = 200;
/** For a person with more keys, all keys of the organization are invalidated at once. */
const MAX_ANNOUNCED = 50;

/** Invalidates a person's keys in memory; without a person, all keys of the organization. */
export function makeAnnounceKeysOf(announce: Announce) {
  return async function announceKeysOf(
    trx: Knex.Transaction,
    organizationId: string,
    userId: string | undefined,
  ): Promise<void> {
    const ids = userId === undefined ? undefined : await activeIds(trx, { organizationId, userId });
    if (!ids || ids.length > MAX_ANNOUNCED) await announce(trx, { organizationId });
    else for (const keyId of ids) await announce(trx, { organizationId, keyId });
  };
}

async function activeIds(trx: Knex.Transaction, { organizationId, userId }: Person): Promise<string[]> {
  const rows = await trx<KeyRow>('api_keys')
    .where({ organization_id: organizationId, owner_user_id: userId, status: 'active' })
    .limit(MAX_ANNOUNCED + 1)
    .select('workos_id');
  // A check of the table keeps it there.
  return rows.map(({ workos_id: id }) => id!);
}

/**
 * Revokes one batch of a person's keys in an organization and fails their provisionings; with `madeUntil`, only those
 * begun by then. The settler deletes the keys at WorkOS.
 * @returns the audit events to append, and whether there may be more keys
 */
export async function revokeKeysOf(
  trx: Knex.Transaction,
  { organizationId, userId }: Person,
  { reason, source, now, madeUntil }: { reason: string; source: AuditSource; now: Date; madeUntil?: Date },
): Promise<{ events: AuditEvent[]; more: boolean }> {
  await failProvisioningRows(trx, organizationId, now, { ownerUserId: userId, madeUntil });
  const { rows } = await trx.raw<{ rows: EndedRow[] }>(
    `update api_keys set status = 'revoked', revoked_at = ?, updated_at = ?, attempts = 0,
       due_at = case origin when 'imported' then null else ?::timestamptz end
     where organization_id = ? and id in (
       select id from api_keys where organization_id = ? and owner_user_id = ? and status = 'active'
         and (?::timestamptz is null or created_at <= ?)
       order by id limit ? for update
     )
     returning id, workos_id, label`,
    [now, now, now, organizationId, organizationId, userId, madeUntil ?? null, madeUntil ?? null, REVOKE_BATCH],
  );
  const events = rows
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ workos_id: id, label }) =>
      keyEvent(organizationId, id, 'api_key.revoked', source, { label, reason, owner: userId }),
    );
  return { events, more: rows.length === REVOKE_BATCH };
}

/** Whether the organization has active keys that this user made, of any owner. */
export async function hasMadeKeys(
  trx: Knex.Transaction,
  { organizationId, userId }: { organizationId: string; userId: string },
): Promise<boolean> {
  const made = { organization_id: organizationId, created_by_kind: 'user', created_by_id: userId, status: 'active' };
  return (await trx<KeyRow>('api_keys').where(made).first('id')) !== undefined;
}
