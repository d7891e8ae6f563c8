import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- Which key made a hash, by a name that says nothing of the key; empty where there is no hash, or it was not noted.
    alter table api_keys add column hash_key text not null default '';

    -- Which keys of hashes are still in use, and which of their rows may be a key that is presented: by the end of the
    -- key, which WorkOS shows.
    create index api_keys_hash_key_idx on api_keys (hash_key, right(prefix, 4)) where status = 'active';

    -- Made at WorkOS, and not used since.
    create index api_keys_unused_idx on api_keys (right(prefix, 4)) where status = 'active' and secret_hash is null;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop index api_keys_unused_idx;
    drop index api_keys_hash_key_idx;
    alter table api_keys drop column hash_key;
  `);
}
