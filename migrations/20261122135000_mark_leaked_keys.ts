import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  // When a scanner first reported that the key is published; null: none has.
  await knex.raw('alter table api_keys add column leaked_at timestamptz');
  await knex.raw(`
    update api_keys k set leaked_at = (
      select min(reported_at) from key_leaks l where l.organization_id = k.organization_id and l.key_row_id = k.id
    )
    where exists (select 1 from key_leaks l where l.organization_id = k.organization_id and l.key_row_id = k.id)
  `);
}

/** Reports stay in `key_leaks` and the audit log. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table api_keys drop column leaked_at');
}
