import type { Knex } from 'knex';

export type ReplacedHmac = { from: Buffer; to: Buffer };

/** Replaces HMACs of secrets by those under another key, in one statement. It skips rows that are locked or have changed. */
export async function replaceHmacs(db: Knex, keyId: string, replaced: readonly ReplacedHmac[]): Promise<void> {
  await db.raw(
    `with stale as (
       select k.organization_id, k.id, n.renewed
       from unnest(?::bytea[], ?::bytea[]) as n (kept, renewed) join api_keys k on k.secret_hash = n.kept
       for update of k skip locked
     )
     update api_keys k set secret_hash = stale.renewed, hash_key = ?, locator = null, salted_hash = null
     from stale where k.organization_id = stale.organization_id and k.id = stale.id`,
    [replaced.map(({ from }) => from), replaced.map(({ to }) => to), keyId],
  );
}
