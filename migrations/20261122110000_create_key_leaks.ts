import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- Where published keys were found, so that a repeated report is none.
    create table key_leaks (
      organization_id text not null,
      key_row_id text not null,
      -- SHA-256 of the address, which is in the audit log.
      place bytea not null,
      reported_at timestamptz not null,
      constraint key_leaks_pkey primary key (organization_id, key_row_id, place),
      constraint key_leaks_key_row_id_fkey foreign key (organization_id, key_row_id) references api_keys (organization_id, id)
        on delete cascade
    );
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table key_leaks');
}
