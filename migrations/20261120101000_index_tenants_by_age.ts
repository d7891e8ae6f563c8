import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  // Lists of organizations are read newest first.
  await knex.raw('create index tenants_created_at_idx on tenants (created_at desc, organization_id desc)');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop index tenants_created_at_idx');
}
