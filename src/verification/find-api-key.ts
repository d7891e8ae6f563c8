import type { Knex } from 'knex';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { ApiKeyCaller } from '../http/caller.ts';
import type { HashKey } from './key-hash.ts';

type Deps = { db: Knex; hashKey: HashKey; clock: Clock };

type Row = {
  organization_id: string;
  workos_id: string;
  label: string;
  permission_set: string | null;
  scopes: string[];
  expires_at: Date | null;
};

// WorkOS's secrets are opaque words; anything else is no key and costs no look-up.
const KEY = /^[A-Za-z][\w-]{15,250}$/;

/**
 * The caller behind an API key, from the mirror: one read by the key's hash, which names one row of one organization.
 * @throws AppError `credential_expired`
 */
export function makeFindApiKey({ db, hashKey, clock }: Deps) {
  return async function findApiKey(presented: string): Promise<ApiKeyCaller | undefined> {
    if (!KEY.test(presented)) return undefined;
    const { rows } = await db.raw<{ rows: Row[] }>(
      `select organization_id, workos_id, label, permission_set, scopes, expires_at
       from api_keys where secret_hash = ? and status = 'active'`,
      [hashKey(presented)],
    );
    const [row] = rows;
    if (!row) return undefined;
    if (row.expires_at && row.expires_at <= clock())
      throw new AppError('credential_expired', 'The API key has expired.');
    return {
      kind: 'api_key',
      organizationId: row.organization_id,
      keyId: row.workos_id,
      label: row.label,
      permissionSet: row.permission_set ?? undefined,
      scopes: new Set(row.scopes),
    };
  };
}
