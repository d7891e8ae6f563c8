import type { Knex } from 'knex';

/** The people who have keys of their own; see docs/how-to/offer-personal-keys.md. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table members (
      organization_id text not null,
      user_id text not null,
      active boolean not null,
      -- The slugs of the person's roles in the organization.
      roles text[] not null default '{}',
      -- What the roles grant; null: not known now, and so nothing.
      permissions text[],
      -- By WorkOS's clock: what the rest is as of.
      member_as_of timestamptz not null,
      permissions_as_of timestamptz,
      -- When WorkOS is asked; null: nothing is to be asked.
      due_at timestamptz,
      attempts integer not null default 0,
      -- Counts the changes, so that an answer to an older question is known for one.
      revision integer not null default 0,
      created_at timestamptz not null,
      updated_at timestamptz not null,
      constraint members_pkey primary key (organization_id, user_id)
    );
    create index members_user_id_idx on members (user_id);
    create index members_roles_idx on members using gin (roles);
    create index members_due_at_idx on members (due_at) where due_at is not null;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table members');
}
