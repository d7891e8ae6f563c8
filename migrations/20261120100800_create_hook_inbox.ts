import type { Knex } from 'knex';

/** Hooks that came in, and what Stripe told of its subscriptions; see docs/explanation/billing.md. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table tenants
      -- When what billing last said of each happened there; a statement need not speak of them.
      add column plan_occurred_at timestamptz,
      add column key_limit_occurred_at timestamptz;
    update tenants set plan_occurred_at = billing_occurred_at where plan is not null;
    update tenants set key_limit_occurred_at = billing_occurred_at where key_limit is not null;

    create table stripe_subscriptions (
      subscription_id text not null,
      -- By which its organization is found, as the newest event says.
      customer_id text,
      named_organization_id text,
      -- When the newest event happened.
      last_event_at timestamptz not null,
      -- What the newest events say, of each only what decides; the order in which they came is nowhere.
      events jsonb not null,
      constraint stripe_subscriptions_pkey primary key (subscription_id)
    );
    create index stripe_subscriptions_customer_id_idx on stripe_subscriptions (customer_id)
      where customer_id is not null;
    create index stripe_subscriptions_named_organization_id_idx on stripe_subscriptions (named_organization_id)
      where named_organization_id is not null;

    create table hook_inbox (
      id text not null,
      source text not null,
      -- The sender's own id: what has one that is here is not applied again.
      event_id text not null,
      type text not null,
      organization_id text,
      customer_id text,
      occurred_at timestamptz,
      received_at timestamptz not null,
      outcome text not null,
      detail text,
      attempts integer not null,
      -- What applying it again needs, and nothing else of what came.
      payload jsonb not null,
      constraint hook_inbox_pkey primary key (id),
      constraint hook_inbox_event_key unique (source, event_id),
      constraint hook_inbox_source_check check (source in ('stripe', 'billing')),
      constraint hook_inbox_outcome_check check (
        outcome in ('applied', 'unchanged', 'stale', 'ignored', 'unknown_tenant', 'unreadable')
      ),
      constraint hook_inbox_payload_check check (octet_length(payload::text) <= 262144)
    );
    create index hook_inbox_received_at_idx on hook_inbox (received_at);
    create index hook_inbox_organization_id_idx on hook_inbox (organization_id, occurred_at);
    create index hook_inbox_waiting_idx on hook_inbox (customer_id) where outcome = 'unknown_tenant';
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table hook_inbox;
    drop table stripe_subscriptions;
    alter table tenants drop column key_limit_occurred_at, drop column plan_occurred_at;
  `);
}
