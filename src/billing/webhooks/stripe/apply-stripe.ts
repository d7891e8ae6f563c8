import type { Knex } from 'knex';
import type { AuditSource } from '../../../audit/audit-event.ts';
import type { ApplyBilling } from '../../apply-billing.ts';
import type { StripeMapping } from '../../../product/stripe-rules.ts';
import type { Judged } from '../webhook.ts';
import type { StripeFact } from './stripe-fact.ts';
import { newest, statementOf } from './stripe-statement.ts';
import type { StripeSubscriptions } from './stripe-subscriptions.ts';

type Deps = {
  subscriptions: StripeSubscriptions;
  /** Makes the tenant if there is none, and holds it until the transaction ends. */
  holdTenant: (trx: Knex.Transaction, organizationId: string) => Promise<unknown>;
  applyBilling: ApplyBilling;
  mapping: StripeMapping;
};

export type ApplyStripe = ReturnType<typeof makeApplyStripe>;

/**
 * Notes what an event says of a subscription, and says of its organization what all its subscriptions say now: the same
 * events end in the same, in whatever order and however often they come.
 */
export function makeApplyStripe({ subscriptions, holdTenant, applyBilling, mapping }: Deps) {
  return async function applyStripe(trx: Knex.Transaction, fact: StripeFact, source: AuditSource): Promise<Judged> {
    const organizationId = await subscriptions.add(trx, fact);
    if (organizationId === undefined)
      return {
        outcome: 'unknown_tenant',
        detail: 'No organization has this customer, and the subscription names none.',
      };
    // Before the others are read: of two that come at once, the second sees what the first wrote.
    await holdTenant(trx, organizationId);
    const facts = await subscriptions.listOf(trx, organizationId);
    const statement = statementOf(organizationId, facts, mapping);
    if (!statement) return { outcome: 'unchanged', organizationId, detail: 'No subscription says anything of it yet.' };
    const { outcome } = await applyBilling(trx, statement, source);
    const isLate = outcome === 'unchanged' && fact.at < newest(facts);
    return { outcome: isLate ? 'stale' : outcome, organizationId, detail: statement.reason };
  };
}
