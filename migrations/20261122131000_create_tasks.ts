import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- Named leases of keys that outlive a request. Without a foreign key: a row outlives its key until it expires, and no longer.
    create table tasks (
      organization_id text not null,
      -- Whose tasks are counted together: of a key and its rotations, of a person, or of the organization.
      holder text not null,
      name text not null,
      -- WorkOS's id of the key that took it last.
      api_key_id text not null,
      taken_at timestamptz not null,
      expires_at timestamptz not null,
      constraint tasks_pkey primary key (organization_id, holder, name)
    );
    create index tasks_expires_at_idx on tasks (expires_at);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table tasks');
}
