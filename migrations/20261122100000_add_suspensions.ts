import type { Knex } from 'knex';

/** Meanwhile keys are read and written as before. */
export const config = { transaction: false };

const CHECK = 'api_keys_suspension_check';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table api_keys
      -- When the key was suspended; null: it is not. WorkOS does not know of it.
      add column if not exists suspended_at timestamptz,
      add column if not exists suspended_by_kind text,
      add column if not exists suspended_by_id text,
      add column if not exists suspension_reason text,
      drop constraint if exists ${CHECK},
      add constraint ${CHECK} check (
        (suspended_at is null) = (suspended_by_kind is null) and (suspended_at is null) = (suspended_by_id is null)
        and (suspension_reason is null or suspended_at is not null)
      ) not valid
  `);
  await knex.raw(`alter table api_keys validate constraint ${CHECK}`);
}

/** Suspended keys work again. Audit events of suspensions stay. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table api_keys drop column suspension_reason, drop column suspended_by_id, drop column suspended_by_kind,
      drop column suspended_at
  `);
}
