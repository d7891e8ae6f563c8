import type { Knex } from 'knex';

/**
 * Uses are counted by updates in place. With half of each page free the new version of a row fits beside the old one, and no
 * index is written (a HOT update). Rows that are there stay as they are; each month has a partition of its own anyway.
 */
export async function up(knex: Knex): Promise<void> {
  await setParameter(knex, 'set (fillfactor = 50)');
  await replaceInFunction(knex, "including all)'", "including all) with (fillfactor = 50)'");
}

export async function down(knex: Knex): Promise<void> {
  await replaceInFunction(knex, "including all) with (fillfactor = 50)'", "including all)'");
  await setParameter(knex, 'reset (fillfactor)');
}

async function setParameter(knex: Knex, change: string): Promise<void> {
  await knex.raw(`
    do $body$
    declare
      part regclass;
    begin
      alter table key_last_uses ${change};
      for part in select inhrelid from pg_inherits where inhparent = 'public.usage_counts'::regclass loop
        execute format('alter table %s ${change}', part);
      end loop;
    end
    $body$;
  `);
}

/** The partitions of later months are made by a function. */
async function replaceInFunction(knex: Knex, from: string, to: string): Promise<void> {
  const { rows } = await knex.raw<{ rows: { definition: string }[] }>(
    "select pg_get_functiondef('public.keep_usage_partitions(integer, integer)'::regprocedure) as definition",
  );
  const [before = '', after] = rows[0]!.definition.split(from);
  if (after === undefined) throw new Error('keep_usage_partitions does not make partitions as it did');
  await knex.raw(`${before}${to}${after}`.replaceAll('?', '\\?'));
}
