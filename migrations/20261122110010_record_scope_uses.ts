import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- The day on which a verification of a key last required a scope, and was valid.
    create table key_scope_uses (
      organization_id text not null,
      key_id text not null,
      scope text not null,
      used_on date not null,
      constraint key_scope_uses_pkey primary key (organization_id, key_id, scope)
    );
    create index key_scope_uses_used_on_idx on key_scope_uses (used_on);

    -- One row: nothing is known of uses before this.
    create table scope_use_recording (
      id boolean not null default true,
      began_at timestamptz not null,
      constraint scope_use_recording_pkey primary key (id),
      constraint scope_use_recording_id_check check (id)
    );
    insert into scope_use_recording (began_at) values (now());
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table scope_use_recording;
    drop table key_scope_uses;
  `);
}
