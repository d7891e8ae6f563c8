import type { Knex } from 'knex';

/**
 * What the product's configuration gave keys when it was last looked at: the scopes of a permission set, or what a scope
 * implies. Another configuration is told of in the audit log of every organization that it concerns, one after the
 * other; how far that has come stands here, so that it goes on where it ended.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table configured_grants (
      kind text not null,
      name text not null,
      scopes text[] not null,
      -- Whether keys that exist get what their set says; a scope's implications always count.
      followed boolean not null,
      since timestamptz not null,
      -- What was before, while there are organizations that are not told of it.
      before_scopes text[],
      before_followed boolean,
      -- The last one that was.
      told_to text,
      constraint configured_grants_pkey primary key (kind, name),
      constraint configured_grants_kind_check check (kind in ('permission_set', 'scope')),
      constraint configured_grants_before_check check (
        (before_scopes is null) = (before_followed is null) and (before_scopes is null) = (told_to is null)
      )
    );
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table configured_grants;');
}
