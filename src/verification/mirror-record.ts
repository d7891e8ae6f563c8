import type { Knex } from 'knex';
import { types } from 'pg';
import { effectiveLimits } from '../limits/effective-limits.ts';
import type { KeyLimits, RateLimit } from '../limits/limits.ts';
import type { Catalogue } from '../permissions/catalogue.ts';
import type { Environment } from '../api-keys/key.ts';
import type { Account, BillingStatus } from '../tenants/posture.ts';

/** Everything that a verification needs to know about a key, in one read. Times are milliseconds for fast comparison. */
export type MirrorRecord = {
  organizationId: string;
  keyId: string;
  environment: Environment;
  /** Set for a personal key. */
  ownerUserId: string | undefined;
  label: string;
  permissionSet: string | undefined;
  scopes: ReadonlySet<string>;
  /** Also true if the key's owner is no longer a member. */
  revoked: boolean;
  suspended: boolean;
  /** Addresses and ranges from which it may be used; an empty list allows all. Both lists apply. */
  ipAllowList: readonly string[];
  organizationIpAllowList: readonly string[];
  expiresAtMs: number | undefined;
  /** After template and plan. */
  limits: KeyLimits;
  /** Determines its organization's posture. */
  account: Account;
};

/**
 * A record with the HMAC that found it, and the id of that HMAC's key. `asOfMs`: the copy that was read has everything from
 * before then, on the monotonic clock; not set where the database itself was read.
 */
export type MirrorRead = { record: MirrorRecord; hash: Buffer; hmacKeyId: string; asOfMs?: number | undefined };

/** Columns as PostgreSQL writes them: most are parts that records share, and are decoded once. */
type Row = {
  secret_hash: string;
  hash_key: string;
  organization_id: string;
  workos_id: string;
  environment: Environment;
  owner_user_id: string | null;
  owner_active: string | null;
  owner_permissions: string | null;
  ip_allow_list: string;
  organization_ip_allow_list: string;
  label: string;
  permission_set: string | null;
  scopes: string;
  status: 'active' | 'revoked';
  imported_by: string | null;
  expires_at: string | null;
  suspended: string;
  rate_limit: string | null;
  rate_limit_window_seconds: string | null;
  concurrency: string | null;
  billing_status: BillingStatus | null;
  status_since: string | null;
  trial_ends_at: string | null;
  plan: string | null;
  deleted_at: string | null;
};

// A limit in each join keeps the planner at one step through an index for each key: it would read all of a small table.
const READ = `
  select k.secret_hash, k.hash_key, k.organization_id, k.workos_id, k.environment, k.label, k.permission_set, k.scopes,
         k.status, k.ip_allow_list, k.owner_user_id, k.suspended_at is not null as suspended,
         m.active as owner_active, m.permissions as owner_permissions,
         case k.origin when 'imported' then k.created_by_id end as imported_by,
         k.expires_at, k.rate_limit, k.rate_limit_window_seconds, k.concurrency,
         t.billing_status, t.status_since, t.trial_ends_at, t.plan, t.deleted_at,
         t.ip_allow_list as organization_ip_allow_list
  from api_keys k
    cross join lateral (
      select billing_status, status_since, trial_ends_at, plan, deleted_at, ip_allow_list
      from tenants where organization_id = k.organization_id limit 1
    ) t
    left join lateral (
      select active, permissions from members
      where organization_id = k.organization_id and user_id = k.owner_user_id limit 1
    ) m on true
  where k.secret_hash = any(?) and k.status in ('active', 'revoked')`;

// Empty, since `pg` also sends it as the list of the parameters' types.
const AS_WRITTEN = { types: Object.assign([], { getTypeParser: () => itself }) };
const PREPARED = { ...AS_WRITTEN, name: 'read mirror' };

const decodeHash: (text: string) => Buffer = types.getTypeParser(types.builtins.BYTEA);
const decodeTime: (text: string) => Date = types.getTypeParser(types.builtins.TIMESTAMPTZ);
/** The type of `text[]`, which `pg` does not name. */
const TEXT_ARRAY: number = 1009;
const decodeTexts: (text: string) => string[] = types.getTypeParser(TEXT_ARRAY);

const TRUE = 't';
const MAX_SHARED = 10_000;

type Rules = Pick<Catalogue, 'grantedTo' | 'grantedToPerson' | 'setLimitsOf' | 'planOf' | 'importEndMs'>;

/** Reads the key of one secret by any of its HMACs, preferring the first. */
export type ReadMirror = (hashes: readonly Buffer[]) => Promise<MirrorRead | undefined>;
export type ReadMirrorOfMany = (hashes: readonly Buffer[]) => Promise<MirrorRead[]>;

/**
 * Reads the keys with these HMACs: one indexed look-up for each, with the rows of its tenant and owner. An HMAC is unique
 * across organizations, so the query names none.
 * @param prepared whether each connection parses and plans the statement once, which a pooler may not allow
 */
export function makeReadMirror(db: Knex, catalogue: Rules, { prepared }: { prepared: boolean }): ReadMirrorOfMany {
  const toRecord = makeToRecord(catalogue);
  const options = prepared ? PREPARED : AS_WRITTEN;
  return async (hashes) => {
    const { rows } = await db.raw<{ rows: Row[] }>(READ, [[...hashes]]).options(options);
    return rows.map((row) => ({ record: toRecord(row), hash: decodeHash(row.secret_hash), hmacKeyId: row.hash_key }));
  };
}

/** Builds records that share equal parts, since many thousands of them are cached. */
function makeToRecord({
  grantedTo,
  grantedToPerson,
  setLimitsOf,
  planOf,
  importEndMs,
}: Rules): (row: Row) => MirrorRecord {
  const scopesOf = makeShared<ReadonlySet<string>>();
  const allowListOf = makeShared<readonly string[]>();
  const limitsOf = makeShared<KeyLimits>();
  const textOf = makeShared<string>();
  const accountOf = makeShared<Account>();
  return (row) => ({
    organizationId: textOf(row.organization_id, itself),
    keyId: row.workos_id,
    environment: row.environment === 'live' ? 'live' : 'test',
    ownerUserId: row.owner_user_id ?? undefined,
    label: row.label,
    permissionSet: row.permission_set === null ? undefined : textOf(row.permission_set, itself),
    // Rows never hold a scope that is not granted; should one do so, it is left out here.
    scopes: scopesOf(nameOfScopes(row), () => {
      const [set, scopes] = [row.permission_set ?? undefined, decodeTexts(row.scopes)];
      if (row.owner_user_id === null) return grantedTo(set, scopes);
      return grantedToPerson(set, scopes, row.owner_permissions === null ? [] : decodeTexts(row.owner_permissions));
    }),
    ipAllowList: allowListOf(row.ip_allow_list, decodeTexts),
    organizationIpAllowList: allowListOf(row.organization_ip_allow_list, decodeTexts),
    revoked: row.status === 'revoked' || (row.owner_user_id !== null && row.owner_active !== TRUE),
    suspended: row.suspended === TRUE,
    expiresAtMs: row.imported_by === null ? timeOf(row.expires_at)?.getTime() : endOfImported(row, importEndMs),
    limits: limitsOf(
      `${row.permission_set} ${row.plan} ${row.rate_limit} ${row.rate_limit_window_seconds} ${row.concurrency}`,
      () =>
        effectiveLimits({
          own: { rate: ownRate(row), concurrency: row.concurrency === null ? undefined : Number(row.concurrency) },
          template: setLimitsOf(row.permission_set ?? undefined),
          plan: planOf(row.plan ?? undefined),
        }),
    ),
    account: accountOf(`${row.billing_status} ${row.status_since} ${row.trial_ends_at} ${row.deleted_at}`, () =>
      accountIn(row),
    ),
  });
}

function accountIn(row: Row): Account {
  return {
    status: row.billing_status ?? undefined,
    statusSince: timeOf(row.status_since),
    trialEndsAt: timeOf(row.trial_ends_at),
    deletedAt: timeOf(row.deleted_at),
  };
}

/** Returns the earlier end: the key's own, or that of its import. */
function endOfImported({ imported_by: name, expires_at: expiresAt }: Row, importEndMs: Rules['importEndMs']) {
  const endMs = importEndMs(name ?? '');
  const ownMs = timeOf(expiresAt)?.getTime();
  return endMs === undefined || (ownMs !== undefined && ownMs < endMs) ? ownMs : endMs;
}

/** Names the scopes of a row: those of a personal key also depend on what its owner holds. */
function nameOfScopes({ permission_set: set, scopes, owner_user_id: owner, owner_permissions: held }: Row): string {
  return owner === null ? `${set} ${scopes}` : `${set} ${scopes}\n${held}`;
}

function timeOf(text: string | null): Date | undefined {
  return text === null ? undefined : decodeTime(text);
}

function itself(name: string): string {
  return name;
}

/** Shares one value a name; starts over at `MAX_SHARED` names. */
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
  return limit === null || windowSeconds === null
    ? undefined
    : { limit: Number(limit), windowSeconds: Number(windowSeconds) };
}
