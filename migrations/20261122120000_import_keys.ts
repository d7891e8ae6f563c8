import type { Knex } from 'knex';

/** Meanwhile keys are read and written as before. */
export const config = { transaction: false };

const INDEX = 'api_keys_imported_idx';
const ORIGINS = "'latchkey', 'workos', 'ci'";

async function allowOrigins(knex: Knex, values: string): Promise<void> {
  await knex.raw(
    `alter table api_keys drop constraint api_keys_origin_check,
       add constraint api_keys_origin_check check (origin in (${values})) not valid`,
  );
  await knex.raw('alter table api_keys validate constraint api_keys_origin_check');
}

export async function up(knex: Knex): Promise<void> {
  await allowOrigins(knex, `${ORIGINS}, 'imported'`);
  // WorkOS has no imported key: its id is one of ours, and there is never work left to do there.
  await knex.raw(`
    alter table api_keys add constraint api_keys_imported_check
      check (case when origin = 'imported' then left(workos_id, 4) = 'imp_' and due_at is null
                  else workos_id is null or left(workos_id, 4) <> 'imp_' end) not valid
  `);
  await knex.raw('alter table api_keys validate constraint api_keys_imported_check');
  await knex.raw(`
    create table key_imports (
      name text not null,
      state text not null,
      -- Which process may write the next batch: the one that began last.
      run text not null,
      -- SHA-256 of the source and the mapping; the same ones go on behind the last batch.
      source_digest bytea,
      -- How many rows of the source the batches have taken.
      position bigint not null default 0,
      imported bigint not null default 0,
      revoked bigint not null default 0,
      refused bigint not null default 0,
      removed bigint not null default 0,
      started_at timestamptz not null,
      updated_at timestamptz not null,
      constraint key_imports_pkey primary key (name),
      constraint key_imports_state_check check (state in ('applying', 'applied', 'undoing', 'undone'))
    )
  `);
  // One whose making was interrupted is there, and of no use.
  await knex.raw(`drop index concurrently if exists ${INDEX}`);
  await knex.raw(`create index concurrently ${INDEX} on api_keys (created_by_id, id) where origin = 'imported'`);
}

/** Imported keys are removed: nothing before this migration could verify or revoke them. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw(`drop index if exists ${INDEX}`);
  await knex.raw('drop table if exists key_imports');
  await knex.raw("delete from api_keys where origin = 'imported'");
  await knex.raw('alter table api_keys drop constraint if exists api_keys_imported_check');
  await allowOrigins(knex, ORIGINS);
}
