import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table tenants
      -- The organization that stands for this one in WorkOS's test environment; null until the first test key is made.
      add column test_organization_id text,
      add constraint tenants_test_organization_id_check check (test_organization_id <> '');
    create unique index tenants_test_organization_idx on tenants (test_organization_id)
      where test_organization_id is not null;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop index tenants_test_organization_idx;
    alter table tenants drop column test_organization_id;
  `);
}
