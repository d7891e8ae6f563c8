import { z } from 'zod';
import { BILLING_STATUSES } from '../tenants/posture.ts';
import type { BillingStatus } from '../tenants/posture.ts';

/** Stripe's statuses of a subscription. Source: docs.stripe.com/api/subscriptions/object */
export const STRIPE_STATUSES = [
  'incomplete',
  'incomplete_expired',
  'trialing',
  'active',
  'past_due',
  'canceled',
  'unpaid',
  'paused',
] as const;
export type StripeStatus = (typeof STRIPE_STATUSES)[number];

/** What Stripe's statuses and prices mean here. A status without a meaning leaves the organization as it is. */
export type StripeMapping = {
  statuses: Readonly<Record<StripeStatus, BillingStatus | undefined>>;
  /** Undefined: no prices or products are mapped, and Stripe leaves the plan as it is. */
  planOf: ((item: { price: string | undefined; product: string | undefined }) => string | undefined) | undefined;
};

const NOTHING = 'none';
const DEFAULT_STATUSES: Record<StripeStatus, BillingStatus | undefined> = {
  incomplete: undefined,
  incomplete_expired: 'decommissioning',
  trialing: 'trial',
  active: 'active',
  past_due: 'past_due',
  canceled: 'decommissioning',
  unpaid: 'past_due',
  paused: 'past_due',
};

const plans = (what: string) =>
  z
    .record(z.string().regex(/^[\w.:-]{1,255}$/), z.string().min(1).max(64))
    .refine((named) => Object.keys(named).length <= 1_000, 'has at most 1000 entries')
    .default({})
    .describe(`Plan that each ${what} stands for, by its id at Stripe.`);

/** The Stripe rules of a product file. */
export const StripeRules = z
  .strictObject({
    statuses: z
      .partialRecord(z.enum(STRIPE_STATUSES), z.enum([...BILLING_STATUSES, NOTHING]))
      .default({})
      .superRefine((statuses, context) => {
        for (const [name, status] of Object.entries(statuses)) {
          if (status === 'trial' && name !== 'trialing')
            context.addIssue({
              code: 'custom',
              path: [name],
              message: 'only trialing can mean trial, because only it has an end',
            });
        }
      })
      .describe('Billing status for each status of a subscription; `none` leaves the organization as it is.'),
    prices: plans('price'),
    products: plans('product'),
  })
  .prefault({})
  .describe('How subscriptions at Stripe map to billing (docs/explanation/billing.md).');

export type StripeRules = z.output<typeof StripeRules>;

/** Lists every plan that is named, and where. */
export function plansNamed({ prices, products }: StripeRules): { plan: string; path: string[] }[] {
  return Object.entries({ prices, products }).flatMap(([kind, named]) =>
    Object.entries(named).map(([id, plan]) => ({ plan, path: [kind, id] })),
  );
}

export function stripeMappingOf({ statuses, prices, products }: StripeRules): StripeMapping {
  const said = Object.entries(statuses).map(([name, status]) => [name, status === NOTHING ? undefined : status]);
  const [byPrice, byProduct] = [new Map(Object.entries(prices)), new Map(Object.entries(products))];
  return {
    statuses: { ...DEFAULT_STATUSES, ...(Object.fromEntries(said) as StripeMapping['statuses']) },
    planOf:
      byPrice.size + byProduct.size === 0
        ? undefined
        : ({ price, product }) => byPrice.get(price ?? '') ?? byProduct.get(product ?? ''),
  };
}
