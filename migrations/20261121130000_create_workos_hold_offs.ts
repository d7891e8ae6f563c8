import type { Knex } from 'knex';

/** What replicas share so that together they ask WorkOS no more than it allows. Times are of the database's clock alone. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- Until when nobody asks WorkOS: one row for each budget of requests that WorkOS has answered 429 for.
    create table workos_hold_offs (
      budget text not null,
      until timestamptz not null,
      constraint workos_hold_offs_pkey primary key (budget),
      constraint workos_hold_offs_budget_check
        check (budget in ('live', 'live_audit_logs', 'test', 'test_audit_logs'))
    );

    -- The processes that run, which divide what may be asked of WorkOS.
    create table replicas (
      id text not null,
      role text not null,
      seen_at timestamptz not null,
      constraint replicas_pkey primary key (id),
      constraint replicas_role_check check (role in ('all', 'api', 'worker'))
    );
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table replicas;
    drop table workos_hold_offs;
  `);
}
