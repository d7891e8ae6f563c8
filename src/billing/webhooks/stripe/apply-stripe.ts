import type { Knex } from 'knex';
import type { AuditSource } from '../../../audit/audit-event.ts';
import type { ApplyBilling } from '../../apply-billing.ts';
import type { StripeMapping } from '../../../product/stripe-rules.ts';
import type { WebhookResult } from '../webhook.ts';
import type { ProviderParts } from '../provider.ts';
import type { StripeFact } from './stripe-fact.ts';
import { newest, statementOf } from './stripe-statement.ts';
import type { StripeSubscriptions } from './stripe-subscriptions.ts';

type Deps = {
  subscriptions: StripeSubscriptions;
  holdTenant: ProviderParts['holdTenant'];
  applyBilling: ApplyBilling;
  mapping: StripeMapping;
};

export type ApplyStripe = ReturnType<typeof makeApplyStripe>;

/**
 * Records what an event says about a subscription, then applies what all subscriptions of the organization say together.
 * The same events lead to the same billing, whatever their order and however often they arrive.
 */
export function makeApplyStripe({ subscriptions, holdTenant, applyBilling, mapping }: Deps) {
  return async function applyStripe(
    trx: Knex.Transaction,
    fact: StripeFact,
    source: AuditSource,
  ): Promise<WebhookResult> {
    const organizationId = await subscriptions.add(trx, fact);
    if (organizationId === undefined)
      return {
        outcome: 'unknown_tenant',
        detail: 'No organization has this Stripe customer, and the subscription names none.',
      };
    // Locked before the facts are read: of two concurrent events, the second sees the first one's fact.
    await holdTenant(trx, organizationId);
    const facts = await subscriptions.listOf(trx, organizationId);
    const statement = statementOf(organizationId, facts, mapping);
    if (!statement)
      return {
        outcome: 'unchanged',
        organizationId,
        detail: 'None of its subscriptions has a status that counts yet.',
      };
    const { outcome } = await applyBilling(trx, statement, source);
    const isLate = outcome === 'unchanged' && fact.at < newest(facts);
    return { outcome: isLate ? 'stale' : outcome, organizationId, detail: statement.reason };
  };
}
