import { createHash } from 'node:crypto';
import type { Knex } from 'knex';
import type { Environment } from '../../src/api-keys/key.ts';
import { openStore } from '../../src/emulator/state/store.ts';

/**
 * One organization with as many keys as one likes on both sides, made past everybody. Of every hundred: one is only at
 * WorkOS, one only here, one ends differently, one may do more here than there; the rest is the same.
 */
export const ORGANIZATION = 'org_large';
/** For which it stands where it is one of the test environment. */
export const OURS = 'org_ours';
export const wantedOf = (keys: number) => {
  const each = keys / 100;
  return { only_here: each, only_there: each, different_expiry: each, different_permissions: each, unsettled: 0 };
};

const CREATED = '2026-11-01T00:00:00.000Z';
const END = '2030-01-01T00:00:00.000Z';
const position = (i: number) => String(i).padStart(26, '0');

/** Writes WorkOS's side into the state file of a local WorkOS that does not run. */
export function fillWorkos(stateFile: string, keys: number): void {
  const store = openStore(stateFile);
  store.transaction(() => {
    store.run(
      `insert into organizations (id, position, name, domains, metadata, allow_profiles_outside, created_at, updated_at)
       values (?, ?, 'Large', '[]', '{}', 0, ?, ?)`,
      ORGANIZATION,
      position(0),
      CREATED,
      CREATED,
    );
    for (let i = 0; i < keys; i++) if (i % 100 !== 2) insertKey(store, i);
  });
  store.close();
}

function insertKey(store: ReturnType<typeof openStore>, i: number): void {
  store.run(
    `insert into api_keys (id, position, organization_id, name, value_hash, obfuscated_value, permissions, expires_at,
       created_at, updated_at) values (?, ?, ?, ?, ?, 'sk_...', ?, ?, ?, ?)`,
    `api_key_${position(i)}`,
    position(i),
    ORGANIZATION,
    `key ${i}`,
    createHash('sha256').update(String(i)).digest(),
    '["workspace:read"]',
    i % 100 === 3 ? END : null,
    CREATED,
    CREATED,
  );
}

/** Writes our side, in one statement; of the test environment under an id of ours that it does not know. */
export async function fillMirror(db: Knex, keys: number, environment: Environment = 'live'): Promise<void> {
  const organizationId = environment === 'live' ? ORGANIZATION : OURS;
  const stands = environment === 'test' && { test_organization_id: ORGANIZATION };
  const times = { created_at: CREATED, updated_at: CREATED };
  await db('tenants').insert({ organization_id: organizationId, ...stands, ...times });
  await db.raw(
    `insert into api_keys (organization_id, environment, id, workos_id, origin, status, label, metadata, scopes, prefix,
       created_by_kind, created_by_id, created_at, updated_at, workos_updated_at)
     select ?, ?, lpad(i::text, 26, '0'), 'api_key_' || lpad(i::text, 26, '0'), 'workos', 'active', 'key ' || i, '{}',
       case when i % 100 = 4 then '{workspace:read,tasks:write}'::text[] else '{workspace:read}'::text[] end, 'sk_...',
       'workos', 'workos', ?, ?, ?
     from generate_series(0, ? - 1) as i where i % 100 <> 1`,
    [organizationId, environment, CREATED, CREATED, CREATED, keys],
  );
}
