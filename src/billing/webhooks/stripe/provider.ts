import { webhookSecrets } from '../../../config/variable-types.ts';
import { stripeMappingOf } from '../../../product/stripe-rules.ts';
import { defineProvider } from '../provider.ts';
import { makeApplyStripe } from './apply-stripe.ts';
import { STRIPE_TYPES, StripeEvent, readStripeEvent } from './read-stripe-event.ts';
import { makeVerifyStripe } from './signature.ts';
import { makeStripeSubscriptions } from './stripe-subscriptions.ts';

export const stripe = defineProvider({
  source: 'stripe',
  variable: {
    name: 'STRIPE_WEBHOOK_SECRET',
    secrets: webhookSecrets(/^whsec_\w{16,200}$/, 'needs signing secrets of Stripe (whsec_…)').describe(
      "Signing secrets of Stripe's webhook endpoint, up to 5, separated by commas; without one the route does not exist.",
    ),
    example: `whsec_${'x'.repeat(32)}`,
  },
  eventTypes: Object.keys(STRIPE_TYPES),
  signature: {
    scheme: {
      name: 'stripeSignature',
      sender: 'Stripe',
      header: 'Stripe-Signature',
      description: "Stripe's signature over the time and the body, made with the secret of the webhook endpoint.",
    },
    makeVerify: makeVerifyStripe,
  },
  route: {
    operationId: 'receiveStripeEvent',
    path: '/v1/hooks/stripe',
    summary: 'Receive an event from Stripe',
    description:
      "Events of subscriptions and their invoices change the organization's billing. Stripe may send them repeatedly and in any order.",
  },
  body: StripeEvent,
  connect({ product, holdTenant, applyBilling }) {
    const mapping = stripeMappingOf(product.stripe);
    const applyStripe = makeApplyStripe({
      subscriptions: makeStripeSubscriptions(),
      holdTenant,
      applyBilling,
      mapping,
    });
    return {
      read: (event, { now }) => readStripeEvent(event, now),
      apply: (trx, { contents: { fact } }, source) => applyStripe(trx, fact, source),
    };
  },
});
