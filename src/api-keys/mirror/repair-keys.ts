import type { Knex } from 'knex';
import type { AuditSource } from '../../audit/audit-event.ts';
import type { AuditLog } from '../../audit/audit-log.ts';
import type { Clock } from '../../clock.ts';
import type { WorkosKey } from '../../workos/entities.ts';
import { keyEvent } from '../key-audit.ts';
import type { DescribeWorkosKey } from './describe-workos-key.ts';
import type { Environment } from '../key.ts';
import type { KeyRow } from '../rows/key-row.ts';
import { lockMirrorRow, updateMirrorRow } from './mirror-row.ts';
import { whereUnseen } from './mirrored-keys.ts';

type Deps = { describe: DescribeWorkosKey; audit: Pick<AuditLog, 'append' | 'appendAll'>; clock: Clock };

export type RepairKeys = ReturnType<typeof makeRepairKeys>;

/** Repairs keys during a reconciliation, beyond what events of WorkOS change. */
export function makeRepairKeys({ describe, audit, clock }: Deps) {
  return {
    /** Removes scopes that the key does not hold at WorkOS; never adds any. @returns whether it removed one */
    async narrow(trx: Knex.Transaction, key: WorkosKey, source: AuditSource): Promise<boolean> {
      const row = await lockMirrorRow(trx, key, undefined);
      if (row?.status !== 'active') return false;
      const held = new Set(describe.scopesOf(key.permissions));
      const scopes = row.scopes.filter((scope) => held.has(scope));
      if (scopes.length === row.scopes.length) return false;
      const permissionSet = describe.permissionSetOf(scopes) ?? null;
      await updateMirrorRow(trx, row, { scopes, permission_set: permissionSet }, clock());
      const details = { changed: ['scopes', 'permission_set'], before: row.scopes, after: scopes };
      await audit.append(trx, keyEvent(key.organizationId, key.id, 'api_key.updated', source, details));
      return true;
    },

    /** Revokes at most `limit` keys that the run expected and did not see. @returns their rows */
    async revokeUnseen(
      trx: Knex.Transaction,
      { organizationId, environment, run }: { organizationId: string; environment: Environment; run: Date },
      limit: number,
      source: AuditSource,
    ): Promise<Pick<KeyRow, 'id' | 'workos_id' | 'label'>[]> {
      const now = clock();
      const unseen = trx<KeyRow>('api_keys').where({ organization_id: organizationId, environment });
      const ids = await whereUnseen(unseen, run).orderBy('id').limit(limit).forUpdate().pluck('id');
      const rows = await trx<KeyRow>('api_keys')
        .where({ organization_id: organizationId })
        .whereIn('id', ids)
        .update({
          status: 'revoked',
          revoked_at: now,
          updated_at: now,
          workos_deleted_at: now,
          due_at: null,
          attempts: 0,
        })
        .returning(['id', 'workos_id', 'label']);
      const events = rows.map(({ workos_id: id, label }) =>
        keyEvent(organizationId, id!, 'api_key.revoked', source, { label }),
      );
      await audit.appendAll(trx, organizationId, events);
      return rows;
    },
  };
}
