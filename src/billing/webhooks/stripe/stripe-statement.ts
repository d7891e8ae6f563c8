import type { BillingStatement } from '../../apply-billing.ts';
import type { StripeMapping } from '../../../product/stripe-rules.ts';
import type { StripeFact } from './stripe-fact.ts';
import { standingOf } from './subscription-history.ts';
import type { SubscriptionStanding } from './subscription-history.ts';

const at = (seconds: number) => new Date(seconds * 1_000);

/**
 * Derives the billing of an organization from all its subscriptions, whatever the order of their events. The first of them
 * decides: one that has not ended before one that has, one whose price has a plan before one without, then the newest.
 * @returns undefined when no subscription has a status that counts
 */
export function statementOf(
  organizationId: string,
  subscriptions: readonly (readonly StripeFact[])[],
  mapping: StripeMapping,
): (BillingStatement & { reason: string }) | undefined {
  const meaningOf = (status: keyof StripeMapping['statuses']) => mapping.statuses[status];
  const [first] = subscriptions
    .map((facts) => standingOf(facts, meaningOf))
    .filter((standing) => standing !== undefined)
    .flatMap((standing) => {
      const meaning = meaningOf(standing.status);
      return meaning === undefined ? [] : [{ ...standing, meaning, plan: planOf(standing, mapping) }];
    })
    .toSorted((a, b) => rank(b) - rank(a) || b.born - a.born || (a.subscription < b.subscription ? 1 : -1));
  if (!first) return undefined;
  const { subscription, status, meaning, since, trialEnd, plan } = first;
  return {
    organizationId,
    status: meaning,
    statusSince: at(since),
    trialEndsAt: meaning === 'trial' ? at(trialEnd ?? since) : undefined,
    plan,
    // The newest of all facts, so that no statement is older than the one before it.
    occurredAt: at(newest(subscriptions)),
    reason: `Stripe: ${subscription.slice(0, 64)} is ${status}.`,
  };
}

/** The plan of the first item that has one. Where plans are configured, other prices mean the default plan: null. */
function planOf({ state }: SubscriptionStanding, { planOf: configured }: StripeMapping): string | null | undefined {
  if (!configured || !state) return undefined;
  for (const { price, product } of state.items) {
    const plan = configured({ price: price ?? undefined, product: product ?? undefined });
    if (plan !== undefined) return plan;
  }
  return null;
}

function rank({ ended, plan }: { ended: boolean; plan: string | null | undefined }): number {
  return (ended ? 0 : 2) + (typeof plan === 'string' ? 1 : 0);
}

export function newest(subscriptions: readonly (readonly StripeFact[])[]): number {
  return subscriptions.flat().reduce((latest, fact) => Math.max(latest, fact.at), 0);
}
