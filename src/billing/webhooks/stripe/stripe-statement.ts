import type { BillingStatement } from '../../apply-billing.ts';
import type { StripeMapping } from '../../../product/stripe-rules.ts';
import type { StripeFact } from './stripe-fact.ts';
import { standingOf } from './subscription-history.ts';
import type { SubscriptionStanding } from './subscription-history.ts';

const at = (seconds: number) => new Date(seconds * 1_000);

/**
 * What all the subscriptions of an organization say together, however their events came: one that has not ended before one
 * that has, one whose price has a plan before one whose has none, and then the one that was made last.
 * @returns undefined when none of them says anything
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
    // All is said again each time, so that what is said last is never older than what was said before.
    occurredAt: at(newest(subscriptions)),
    reason: `Stripe: ${subscription.slice(0, 64)} is ${status}.`,
  };
}

/** Of several items the first that has one. Where prices have plans, another price is the default one: null. */
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
