import type { Knex } from 'knex';
import type { StripeFact } from './stripe-fact.ts';
import { withFact } from './subscription-history.ts';

export type StripeSubscriptions = ReturnType<typeof makeStripeSubscriptions>;

/** More than any organization has; beyond it the newest count. */
const MAX_SUBSCRIPTIONS = 200;

/** Stores the facts about each subscription at Stripe. */
export function makeStripeSubscriptions() {
  return {
    /**
     * Adds a fact and locks the subscription's row until the transaction ends.
     * @returns the organization that the subscription belongs to, by all facts so far
     */
    async add(trx: Knex.Transaction, fact: StripeFact): Promise<string | undefined> {
      const known = await hold(trx, fact);
      const facts = withFact(known, fact);
      const customer = facts.find((one) => one.customer !== null)?.customer ?? null;
      const named = namedBy(facts);
      await trx('stripe_subscriptions')
        .where({ subscription_id: fact.subscription })
        .update({
          customer_id: customer,
          named_organization_id: named,
          last_event_at: new Date(facts[0]!.at * 1_000),
          events: JSON.stringify(facts),
        });
      return (customer === null ? undefined : await organizationOf(trx, customer)) ?? named ?? undefined;
    },

    /** Lists the facts of all subscriptions of an organization, whose tenant must be locked. */
    async listOf(trx: Knex.Transaction, organizationId: string): Promise<StripeFact[][]> {
      const { rows } = await trx.raw<{ rows: { events: StripeFact[] }[] }>(
        `select events from stripe_subscriptions s
         where customer_id = (select stripe_customer_id from tenants where organization_id = :organizationId)
            or (named_organization_id = :organizationId and not exists (
              select from tenants t where t.stripe_customer_id = s.customer_id and t.organization_id <> :organizationId))
         order by last_event_at desc, subscription_id
         limit ${MAX_SUBSCRIPTIONS}`,
        { organizationId },
      );
      return rows.map(({ events }) => events);
    },
  };
}

/** An invoice copies the subscription's metadata when it is created, so the subscription itself goes first. */
function namedBy(newestFirst: readonly StripeFact[]): string | null {
  const named = newestFirst.filter(({ organization }) => organization !== null);
  return (named.find(({ kind }) => kind === 'state') ?? named[0])?.organization ?? null;
}

async function hold(trx: Knex.Transaction, fact: StripeFact): Promise<StripeFact[]> {
  // The update changes nothing; it locks and returns a row that another transaction created.
  const { rows } = await trx.raw<{ rows: { events: StripeFact[] }[] }>(
    `insert into stripe_subscriptions as known (subscription_id, last_event_at, events) values (?, ?, '[]')
     on conflict (subscription_id) do update set last_event_at = known.last_event_at
     returning events`,
    [fact.subscription, new Date(fact.at * 1_000)],
  );
  return rows[0]!.events;
}

// A customer is unique at WorkOS, but events of two organizations arrive in any order: until both have, the newer one counts.
async function organizationOf(trx: Knex.Transaction, customer: string): Promise<string | undefined> {
  const { rows } = await trx.raw<{ rows: { organization_id: string }[] }>(
    `select organization_id from tenants where stripe_customer_id = ?
     order by workos_updated_at desc nulls last, organization_id
     limit 1`,
    [customer],
  );
  return rows[0]?.organization_id;
}
