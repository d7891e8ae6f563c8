import type { Knex } from 'knex';

/**
 * Migrations run as the owner of the database; the service may run as less. `latchkey_app` is a group without login:
 *
 *     create role latchkey_service login password '…' in role latchkey_app;
 *
 * It may read and write every table made from here on, but for what a later migration takes back (audit events are
 * append-only). Where the owner may not make roles, the grants are left out and the service runs as the owner.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    do $body$
    begin
      if not exists (select from pg_roles where rolname = 'latchkey_app') then
        begin
          create role latchkey_app nologin;
        exception
          when duplicate_object or unique_violation or insufficient_privilege then null;
        end;
      end if;
      if exists (select from pg_roles where rolname = 'latchkey_app') then
        grant usage on schema public to latchkey_app;
        grant select on all tables in schema public to latchkey_app;
        alter default privileges in schema public grant select, insert, update, delete on tables to latchkey_app;
      end if;
    end
    $body$;
  `);
}

// The role stays: other databases of the same server may use it.
export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    do $body$
    begin
      if exists (select from pg_roles where rolname = 'latchkey_app') then
        alter default privileges in schema public revoke select, insert, update, delete on tables from latchkey_app;
        revoke select on all tables in schema public from latchkey_app;
        revoke usage on schema public from latchkey_app;
      end if;
    end
    $body$;
  `);
}
