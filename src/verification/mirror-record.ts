import type { Knex } from 'knex';
import { effectiveLimits } from '../limits/effective-limits.ts';
import type { KeyLimits, RateLimit } from '../limits/limits.ts';
import type { Catalogue } from '../permissions/catalogue.ts';
import type { Environment } from '../api-keys/key.ts';
import type { Account, BillingStatus } from '../tenants/posture.ts';

/** All that a verification needs to know of a key, in one read. Times that are compared at each use are milliseconds. */
export type MirrorRecord = {
  organizationId: string;
  keyId: string;
  environment: Environment;
  /** Whose key it is, if a person's. */
  ownerUserId: string | undefined;
  label: string;
  permissionSet: string | undefined;
  scopes: ReadonlySet<string>;
  /** Also of a person who is no member any more. */
  revoked: boolean;
  /** Addresses and ranges from which it may be used; empty: from everywhere. Both lists count. */
  ipAllowList: readonly string[];
  organizationIpAllowList: readonly string[];
  expiresAtMs: number | undefined;
  /** What bounds its use, after its template and plan. */
  limits: KeyLimits;
  /** What its organization's posture follows from. */
  account: Account;
};

/** What was read, by which hash, and the name of the key that made it. */
export type MirrorRead = { record: MirrorRecord; hash: Buffer; hmacKeyId: string };

type Row = {
  secret_hash: Buffer;
  hash_key: string;
  organization_id: string;
  workos_id: string;
  environment: Environment;
  owner_user_id: string | null;
  owner_active: boolean | null;
  owner_permissions: string[] | null;
  ip_allow_list: string[];
  organization_ip_allow_list: string[];
  label: string;
  permission_set: string | null;
  scopes: string[];
  status: 'active' | 'revoked';
  expires_at: Date | null;
  rate_limit: number | null;
  rate_limit_window_seconds: number | null;
  concurrency: number | null;
  billing_status: BillingStatus | null;
  status_since: Date | null;
  trial_ends_at: Date | null;
  plan: string | null;
  deleted_at: Date | null;
};

const MAX_SHARED = 1_000;

type Rules = Pick<Catalogue, 'grantedTo' | 'grantedToPerson' | 'setLimitsOf' | 'planOf'>;

/** Reads the key of one secret, by any of its hashes; the first one counts most. */
export type ReadMirror = (hashes: readonly Buffer[]) => Promise<MirrorRead | undefined>;
export type ReadMirrorOfMany = (hashes: readonly Buffer[]) => Promise<MirrorRead[]>;

/**
 * Reads the keys with these hashes: one indexed look-up for each, and the rows of its tenant and its owner. A hash names
 * one key of one organization, so no organization is asked for.
 */
export function makeReadMirror(db: Knex, catalogue: Rules): ReadMirrorOfMany {
  const toRecord = makeToRecord(catalogue);
  return async (hashes) => {
    const { rows } = await db.raw<{ rows: Row[] }>(
      `select k.secret_hash, k.hash_key, k.organization_id, k.workos_id, k.environment, k.label, k.permission_set,
              k.scopes, k.status, k.ip_allow_list, k.owner_user_id,
              m.active as owner_active, m.permissions as owner_permissions,
              k.expires_at, k.rate_limit, k.rate_limit_window_seconds, k.concurrency,
              t.billing_status, t.status_since, t.trial_ends_at, t.plan, t.deleted_at,
              t.ip_allow_list as organization_ip_allow_list
       from api_keys k join tenants t on t.organization_id = k.organization_id
         left join members m on m.organization_id = k.organization_id and m.user_id = k.owner_user_id
       where k.secret_hash = any(?) and k.status in ('active', 'revoked')`,
      [[...hashes]],
    );
    return rows.map((row) => ({ record: toRecord(row), hash: row.secret_hash, hmacKeyId: row.hash_key }));
  };
}

/** Many thousand records are kept: what many keys have alike is there once. */
function makeToRecord({ grantedTo, grantedToPerson, setLimitsOf, planOf }: Rules): (row: Row) => MirrorRecord {
  const scopesOf = makeShared<ReadonlySet<string>>();
  const allowListOf = makeShared<readonly string[]>();
  const limitsOf = makeShared<KeyLimits>();
  const name = makeShared<string>();
  const accountOf = makeShared<Account>();
  return (row) => ({
    organizationId: name(row.organization_id, itself),
    keyId: row.workos_id,
    environment: row.environment === 'live' ? 'live' : 'test',
    ownerUserId: row.owner_user_id ?? undefined,
    label: row.label,
    permissionSet: row.permission_set === null ? undefined : name(row.permission_set, itself),
    // What is never granted was never written; should a row say otherwise, it is not believed, also where it is implied.
    scopes: scopesOf(nameOfScopes(row), () => {
      const set = row.permission_set ?? undefined;
      return row.owner_user_id === null
        ? grantedTo(set, row.scopes)
        : grantedToPerson(set, row.scopes, row.owner_permissions ?? []);
    }),
    ipAllowList: allowListOf(row.ip_allow_list.join(' '), () => row.ip_allow_list),
    organizationIpAllowList: allowListOf(
      row.organization_ip_allow_list.join(' '),
      () => row.organization_ip_allow_list,
    ),
    revoked: row.status === 'revoked' || (row.owner_user_id !== null && row.owner_active !== true),
    expiresAtMs: row.expires_at?.getTime(),
    limits: limitsOf(
      [row.permission_set, row.plan, row.rate_limit, row.rate_limit_window_seconds, row.concurrency].join(' '),
      () =>
        effectiveLimits({
          own: { rate: ownRate(row), concurrency: row.concurrency ?? undefined },
          template: setLimitsOf(row.permission_set ?? undefined),
          plan: planOf(row.plan ?? undefined),
        }),
    ),
    account: accountOf(
      [row.billing_status, row.status_since, row.trial_ends_at, row.deleted_at]
        .map((each) => each?.valueOf())
        .join(' '),
      () => ({
        status: row.billing_status ?? undefined,
        statusSince: row.status_since ?? undefined,
        trialEndsAt: row.trial_ends_at ?? undefined,
        deletedAt: row.deleted_at ?? undefined,
      }),
    ),
  });
}

/** A person's key grants what its owner holds, too, and nothing while that is not known. */
function nameOfScopes({ permission_set: set, scopes, owner_user_id: owner, owner_permissions: held }: Row): string {
  const made = [set, ...scopes].join(' ');
  return owner === null ? made : `${made}\n${JSON.stringify(held)}`;
}

function itself(name: string): string {
  return name;
}

/** One value a name, for as many names as there usually are; beyond them it begins anew. */
function makeShared<T>(): (name: string, make: (name: string) => T) => T {
  const values = new Map<string, T>();
  return (name, make) => {
    const known = values.get(name);
    if (known !== undefined) return known;
    if (values.size >= MAX_SHARED) values.clear();
    const value = make(name);
    values.set(name, value);
    return value;
  };
}

function ownRate({ rate_limit: limit, rate_limit_window_seconds: windowSeconds }: Row): RateLimit | undefined {
  return limit === null || windowSeconds === null ? undefined : { limit, windowSeconds };
}
