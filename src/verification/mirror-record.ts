import type { Knex } from 'knex';
import type { BillingStatus, Tenant } from '../billing/posture.ts';

/** All that a verification needs to know of a key, in one read. Times that are compared at each use are milliseconds. */
export type MirrorRecord = {
  organizationId: string;
  keyId: string;
  label: string;
  permissionSet: string | undefined;
  scopes: ReadonlySet<string>;
  createdBy: { kind: string; id: string };
  revoked: boolean;
  expiresAtMs: number | undefined;
  tenant: Tenant;
};

type Row = {
  organization_id: string;
  workos_id: string;
  label: string;
  permission_set: string | null;
  scopes: string[];
  created_by_kind: string;
  created_by_id: string;
  status: 'active' | 'revoked';
  expires_at: Date | null;
  billing_status: BillingStatus | null;
  trial_ends_at: Date | null;
  plan: string | null;
  deleted_at: Date | null;
};

export type ReadMirror = (hash: Buffer) => Promise<MirrorRecord | undefined>;

/**
 * Reads the key with this hash: one indexed look-up, and its tenant's row. The hash names one key of one organization,
 * so no organization is asked for.
 */
export function makeReadMirror(db: Knex, neverGranted: ReadonlySet<string>): ReadMirror {
  return async (hash) => {
    const { rows } = await db.raw<{ rows: Row[] }>(
      `select k.organization_id, k.workos_id, k.label, k.permission_set, k.scopes, k.created_by_kind, k.created_by_id,
              k.status, k.expires_at, t.billing_status, t.trial_ends_at, t.plan, t.deleted_at
       from api_keys k join tenants t on t.organization_id = k.organization_id
       where k.secret_hash = ? and k.status in ('active', 'revoked')`,
      [hash],
    );
    return rows[0] && toRecord(rows[0], neverGranted);
  };
}

function toRecord(row: Row, neverGranted: ReadonlySet<string>): MirrorRecord {
  return {
    organizationId: row.organization_id,
    keyId: row.workos_id,
    label: row.label,
    permissionSet: row.permission_set ?? undefined,
    // What is never granted was never written; should a row say otherwise, it is not believed.
    scopes: new Set(row.scopes.filter((scope) => !neverGranted.has(scope))),
    createdBy: { kind: row.created_by_kind, id: row.created_by_id },
    revoked: row.status === 'revoked',
    expiresAtMs: row.expires_at?.getTime(),
    tenant: {
      organizationId: row.organization_id,
      status: row.billing_status ?? undefined,
      trialEndsAt: row.trial_ends_at ?? undefined,
      plan: row.plan ?? undefined,
      deletedAt: row.deleted_at ?? undefined,
    },
  };
}
