import { createHash } from 'node:crypto';
import type { Knex } from 'knex';
import { openStore } from '../../src/emulator/state/store.ts';

/** One organization that pays, with as many keys as one likes on both sides, made past everybody. */
export const ORGANIZATION = 'org_leaves';
const CREATED = '2026-11-01T00:00:00.000Z';
const position = (i: number) => String(i).padStart(26, '0');

/** Writes WorkOS's side into the state file of a local WorkOS that does not run. */
export function fillWorkos(stateFile: string, keys: number): void {
  const store = openStore(stateFile);
  store.transaction(() => {
    store.run(
      `insert into organizations (id, position, name, domains, metadata, allow_profiles_outside, created_at, updated_at)
       values (?, ?, 'Leaves', '[]', '{}', 0, ?, ?)`,
      ORGANIZATION,
      position(0),
      CREATED,
      CREATED,
    );
    for (let i = 0; i < keys; i++)
      store.run(
        `insert into api_keys (id, position, organization_id, name, value_hash, obfuscated_value, permissions,
           created_at, updated_at) values (?, ?, ?, ?, ?, 'sk_...', '["workspace:read"]', ?, ?)`,
        `api_key_${position(i)}`,
        position(i),
        ORGANIZATION,
        `key ${i}`,
        createHash('sha256').update(String(i)).digest(),
        CREATED,
        CREATED,
      );
  });
  store.close();
}

/** Writes our side, in one statement. */
export async function fillMirror(db: Knex, keys: number): Promise<void> {
  await db('tenants').insert({
    organization_id: ORGANIZATION,
    billing_status: 'active',
    created_at: CREATED,
    updated_at: CREATED,
  });
  await db.raw(
    `insert into api_keys (organization_id, id, workos_id, origin, status, label, metadata, scopes, prefix,
       created_by_kind, created_by_id, created_at, updated_at, workos_updated_at)
     select ?, lpad(i::text, 26, '0'), 'api_key_' || lpad(i::text, 26, '0'), 'workos', 'active', 'key ' || i, '{}',
       '{workspace:read}', 'sk_...', 'workos', 'workos', ?, ?, ?
     from generate_series(0, ? - 1) as i`,
    [ORGANIZATION, CREATED, CREATED, CREATED, keys],
  );
}
