import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table api_keys
      -- The WorkOS environment that the key is of.
      add column environment text not null default 'live',
      -- Whose key it is; null: the organization's.
      add column owner_user_id text,
      -- From where it may be used, as ranges; empty: from everywhere.
      add column ip_allow_list text[] not null default '{}',
      add constraint api_keys_environment_check check (environment in ('live', 'test'));
    create index api_keys_owner_idx on api_keys (organization_id, owner_user_id) where owner_user_id is not null;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop index api_keys_owner_idx;
    alter table api_keys drop column ip_allow_list, drop column owner_user_id, drop column environment;
  `);
}
