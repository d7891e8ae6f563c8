import type { Knex } from 'knex';

/**
 * What replicas must forget, written in the transaction that changed it, and the beats that show that the database
 * still commits. Rows of `invalidations` are read by the transaction that wrote them, not by id: an id that was taken
 * early may commit late.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table invalidations (
      transaction_id xid8 not null default pg_current_xact_id(),
      id bigint not null generated always as identity,
      organization_id text not null,
      key_id text,
      session_id text,
      constraint invalidations_pkey primary key (transaction_id, id)
    );

    -- One row. 'at' is compared with the clock of the same server alone.
    create table invalidation_beats (
      id boolean not null default true,
      number bigint not null default 0,
      at timestamptz not null default '-infinity',
      constraint invalidation_beats_pkey primary key (id),
      constraint invalidation_beats_id_check check (id)
    );
    insert into invalidation_beats default values;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table invalidation_beats;
    drop table invalidations;
  `);
}
