import type { Knex } from 'knex';

/**
 * The last use of a key goes with its row, which only keys of CI jobs and imports that were undone lose. The function runs as
 * the owner of the table, since the service's role may delete no last use.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    delete from key_last_uses used where not exists (
      select from api_keys key where key.organization_id = used.organization_id and key.workos_id = used.key_id
    );

    create function forget_last_use() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    as $body$
    begin
      delete from public.key_last_uses where organization_id = old.organization_id and key_id = old.workos_id;
      return null;
    end
    $body$;
    revoke all on function forget_last_use() from public;

    create trigger forget_last_use after delete on api_keys for each row execute function forget_last_use();
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop trigger forget_last_use on api_keys;
    drop function forget_last_use();
  `);
}
