import type { Knex } from 'knex';

/**
 * Counts are partitioned by month, in UTC. Partitions are data: the service makes and drops them as time passes, by a
 * function that runs as the owner of the table, since its own role may not. What has no partition is in the default
 * one until there is.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table usage_counts (
      organization_id text not null,
      key_id text not null,
      hour timestamptz not null,
      code text not null,
      count bigint not null,
      constraint usage_counts_pkey primary key (organization_id, key_id, hour, code)
    ) partition by range (hour);

    create table usage_counts_default partition of usage_counts default;

    create table key_last_uses (
      organization_id text not null,
      key_id text not null,
      used_at timestamptz not null,
      ip text,
      agent text,
      constraint key_last_uses_pkey primary key (organization_id, key_id)
    );

    -- Makes the partitions of this month and of the next ones, and drops those of months that ended longer ago than
    -- is kept. By the database's own clock, so that no caller can say that everything is old.
    -- Returns false when somebody else is at it.
    create function keep_usage_partitions(months_kept integer, months_ahead integer) returns boolean
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    set timezone = 'UTC'
    -- Whoever waits here for a lock makes every flush wait; trying again later is better.
    set lock_timeout = '2s'
    as $body$
    declare
      this_month constant timestamptz := date_trunc('month', now());
      oldest timestamptz;
      starts timestamptz;
      part text;
    begin
      if months_kept is null or months_kept not between 1 and 120 then
        raise exception 'months_kept must be 1 to 120' using errcode = 'invalid_parameter_value';
      end if;
      if months_ahead is null or months_ahead not between 0 and 12 then
        raise exception 'months_ahead must be 0 to 12' using errcode = 'invalid_parameter_value';
      end if;
      if not pg_try_advisory_xact_lock(hashtext('latchkey usage partitions')) then
        return false;
      end if;
      oldest := this_month - make_interval(months => months_kept);

      -- First, because dropping locks the table before its partitions, as everybody does who reads or writes.
      for part in
        select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'public.usage_counts'::regclass and c.relname ~ '^usage_counts_[0-9]{4}_[0-9]{2}$'
          and to_timestamp(right(c.relname, 7), 'YYYY_MM') < oldest
        order by c.relname
      loop
        execute format('drop table public.%I', part);
      end loop;
      delete from public.usage_counts_default where hour < oldest;

      for i in 0..months_ahead loop
        starts := this_month + make_interval(months => i);
        part := 'usage_counts_' || to_char(starts, 'YYYY_MM');
        continue when to_regclass('public.' || part) is not null;
        -- Made beside the table and attached, which lets others read and write meanwhile.
        execute format('create table public.%I (like public.usage_counts including all)', part);
        if exists (select from pg_roles where rolname = 'latchkey_app') then
          execute format('revoke all on public.%I from latchkey_app', part);
        end if;
        lock table public.usage_counts_default in access exclusive mode;
        execute format(
          'with moved as (delete from public.usage_counts_default where hour >= $1 and hour < $2 returning *)
           insert into public.%I select * from moved', part)
          using starts, starts + interval '1 month';
        execute format('alter table public.usage_counts attach partition public.%I for values from (%L) to (%L)',
          part, starts, starts + interval '1 month');
      end loop;
      return true;
    end
    $body$;

    revoke all on function keep_usage_partitions(integer, integer) from public;

    do $body$
    begin
      if exists (select from pg_roles where rolname = 'latchkey_app') then
        revoke delete on usage_counts from latchkey_app;
        revoke all on usage_counts_default from latchkey_app;
        revoke delete on key_last_uses from latchkey_app;
        grant execute on function keep_usage_partitions(integer, integer) to latchkey_app;
      end if;
    end
    $body$;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop function keep_usage_partitions(integer, integer);
    drop table key_last_uses;
    drop table usage_counts;
  `);
}
