import type { Knex } from 'knex';
import { hmacKeyIdOfImport } from '../format/imported-form.ts';
import { ulid } from '../../ids.ts';
import type { Environment } from '../key.ts';

/** A hash with a salt, and what finds it; `hash` of its key only stands for it. */
export type SaltedHash = { locator: string; encoded: string };

/** A key of another system as it is inserted. */
export type ImportedKey = {
  keyId: string;
  organizationId: string;
  /** Set for a personal key. */
  ownerUserId: string | undefined;
  /** By WorkOS's clock, when its owner was a member. */
  memberAsOf?: Date | undefined;
  hash: Buffer;
  salted: SaltedHash | undefined;
  label: string;
  /** The obfuscated form of the secret, as the other system shows it. */
  shown: string;
  permissionSet: string | undefined;
  scopes: readonly string[];
  rateLimit: { limit: number; windowSeconds: number } | undefined;
  expiresAt: Date | undefined;
  createdAt: Date;
};
type KeyOf = { keyId: string; organizationId: string };
type Import = { name: string; environment: Environment };

/** The keys of an import. `unused`: none has verified; `verified`: their hashes are ours. */
export type ImportedCounts = { keys: number; unused: number; verified: number; rotated: number; revoked: number };

/**
 * Inserts active keys that have the hash of another system. Keys that are there already, by id or by hash, are left out.
 * @returns those that were inserted
 */
export async function insertImportedKeys(
  trx: Knex.Transaction,
  { name, environment }: Import,
  keys: readonly ImportedKey[],
  now: Date,
): Promise<KeyOf[]> {
  if (keys.length === 0) return [];
  const { rows } = await trx.raw<{ rows: { key_id: string; organization_id: string }[] }>(
    `insert into api_keys (organization_id, id, workos_id, environment, origin, status, label, metadata, permission_set,
       scopes, prefix, secret_hash, hash_key, rate_limit, rate_limit_window_seconds, expires_at, created_by_kind,
       created_by_id, created_at, updated_at, owner_user_id, locator,
       salted_hash)
     select k.organization_id, k.id, k.key_id, ?, 'imported', 'active', k.label, '{}', k.permission_set,
       array(select jsonb_array_elements_text(k.scopes)), k.shown, decode(k.hash, 'hex'), ?, k.rate_limit,
       k.rate_limit_window_seconds, k.expires_at, 'system', ?, k.created_at, ?, k.owner_user_id, k.locator, k.salted_hash
     from jsonb_to_recordset(?::jsonb) as k (organization_id text, id text, key_id text, label text, permission_set text,
       scopes jsonb, shown text, hash text, rate_limit integer, rate_limit_window_seconds integer,
       expires_at timestamptz, created_at timestamptz, owner_user_id text,
       locator text, salted_hash text)
     on conflict do nothing
     returning workos_id as key_id, organization_id`,
    [environment, hmacKeyIdOfImport(name), name, now, JSON.stringify(keys.map(toRow))],
  );
  return rows.map(({ key_id: keyId, organization_id: organizationId }) => ({ keyId, organizationId }));
}

function toRow(key: ImportedKey) {
  return {
    organization_id: key.organizationId,
    id: ulid(key.createdAt),
    key_id: key.keyId,
    label: key.label,
    permission_set: key.permissionSet ?? null,
    scopes: key.scopes,
    shown: key.shown,
    hash: key.hash.toString('hex'),
    rate_limit: key.rateLimit?.limit ?? null,
    rate_limit_window_seconds: key.rateLimit?.windowSeconds ?? null,
    expires_at: key.expiresAt ?? null,
    created_at: key.createdAt,
    owner_user_id: key.ownerUserId ?? null,
    locator: key.salted?.locator ?? null,
    salted_hash: key.salted?.encoded ?? null,
  };
}

/** Revokes imported keys that are still active, in any organizations. */
export async function revokeImportedKeys(
  trx: Knex.Transaction,
  keyIds: readonly string[],
  now: Date,
): Promise<(KeyOf & { label: string })[]> {
  if (keyIds.length === 0) return [];
  const { rows } = await trx.raw<{ rows: { key_id: string; organization_id: string; label: string }[] }>(
    `update api_keys set status = 'revoked', revoked_at = ?, updated_at = ?
     where workos_id = any(?) and origin = 'imported' and status = 'active'
     returning workos_id as key_id, organization_id, label`,
    [now, now, [...keyIds]],
  );
  return rows.map((row) => ({ keyId: row.key_id, organizationId: row.organization_id, label: row.label }));
}

/**
 * Deletes one batch of the keys of an import that were never used: they have the hash of the other system, were neither
 * rotated, suspended nor revoked, and have no last use.
 * @returns those that were deleted
 */
export async function deleteUnusedImported(trx: Knex.Transaction, name: string, limit: number): Promise<KeyOf[]> {
  const { rows } = await trx.raw<{ rows: { key_id: string; organization_id: string }[] }>(
    `with unused as (
       select k.organization_id, k.id from api_keys k
       where k.hash_key = ? and k.status = 'active' and k.origin = 'imported' and k.rotated_to is null
         and k.suspended_at is null
         and not exists (select 1 from key_last_uses u where u.organization_id = k.organization_id and u.key_id = k.workos_id)
       limit ? for update of k skip locked
     )
     delete from api_keys k using unused where k.organization_id = unused.organization_id and k.id = unused.id
     returning k.workos_id as key_id, k.organization_id`,
    [hmacKeyIdOfImport(name), limit],
  );
  return rows.map(({ key_id: keyId, organization_id: organizationId }) => ({ keyId, organizationId }));
}

/** Reads what is there of imported keys, by id and by hash; in any organizations, since both are unique in all. */
export async function readImported(
  db: Knex,
  keyIds: readonly string[],
  hashes: readonly Buffer[],
): Promise<{
  keys: Map<string, { organizationId: string; active: boolean }>;
  hashes: Map<string, string>;
}> {
  type Row = { key_id: string; organization_id: string; status: string; hash: string | null };
  const { rows } = await db.raw<{ rows: Row[] }>(
    `select workos_id as key_id, organization_id, status, encode(secret_hash, 'hex') as hash from api_keys
     where workos_id = any(?)
     union all
     select coalesce(workos_id, id), organization_id, status, encode(secret_hash, 'hex') from api_keys
     where secret_hash = any(?)`,
    [[...keyIds], [...hashes]],
  );
  return {
    keys: new Map(
      rows.map((row) => [row.key_id, { organizationId: row.organization_id, active: row.status === 'active' }]),
    ),
    hashes: new Map(rows.flatMap((row) => (row.hash === null ? [] : [[row.hash, row.key_id] as const]))),
  };
}

export type Candidate = { keyId: string; secretHash: Buffer; encoded: string };

/** Most keys that may have one locator: as many hashes may a guess cost. */
export const MAX_CANDIDATES = 8;

/** Reads the keys of an import that these locators find, by locator; in any organizations, as a hash does. */
export async function readCandidates(
  db: Knex,
  hmacKeyId: string,
  locators: readonly string[],
): Promise<Map<string, Candidate[]>> {
  if (locators.length === 0) return new Map();
  type Row = { locator: string; key_id: string; secret_hash: Buffer; salted_hash: string };
  const { rows } = await db.raw<{ rows: Row[] }>(
    `select k.locator, k.workos_id as key_id, k.secret_hash, k.salted_hash
     from unnest(?::text[]) as asked (locator) cross join lateral (
       select locator, workos_id, secret_hash, salted_hash from api_keys where hash_key = ? and locator = asked.locator order by id limit ?
     ) as k`,
    [[...new Set(locators)], hmacKeyId, MAX_CANDIDATES],
  );
  return Map.groupBy(
    rows.map((row) => ({ ...row, keyId: row.key_id, secretHash: row.secret_hash, encoded: row.salted_hash })),
    ({ locator }) => locator,
  );
}

export async function countImported(db: Knex, name: string): Promise<ImportedCounts> {
  const { rows } = await db.raw<{ rows: Record<keyof ImportedCounts, string>[] }>(
    `select count(*) as keys,
       count(*) filter (where status = 'active' and hash_key = ?) as unused,
       count(*) filter (where hash_key <> ?) as verified,
       count(*) filter (where rotated_to is not null) as rotated,
       count(*) filter (where status = 'revoked') as revoked
     from api_keys where origin = 'imported' and created_by_id = ?`,
    [hmacKeyIdOfImport(name), hmacKeyIdOfImport(name), name],
  );
  const [row] = rows;
  return {
    keys: Number(row!.keys),
    unused: Number(row!.unused),
    verified: Number(row!.verified),
    rotated: Number(row!.rotated),
    revoked: Number(row!.revoked),
  };
}
