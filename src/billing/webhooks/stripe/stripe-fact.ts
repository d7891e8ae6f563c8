import type { StripeStatus } from '../../../product/stripe-rules.ts';

/** A subscription as it was at one moment: only what decides, and what tells one moment from another. */
export type SubscriptionState = {
  status: StripeStatus;
  /** Seconds since 1970, as all moments of Stripe. */
  trialEnd: number | null;
  latestInvoice: string | null;
  items: readonly { price: string | null; product: string | null }[];
  cancelAtPeriodEnd: boolean | null;
  canceledAt: number | null;
  endedAt: number | null;
};

type Common = {
  /** The event's id. */
  id: string;
  at: number;
  subscription: string;
  customer: string | null;
  /** `metadata.organization_id` of the subscription. */
  organization: string | null;
};

/** What one event says of one subscription. */
export type StripeFact =
  | (Common & {
      kind: 'state';
      change: 'created' | 'updated' | 'deleted' | 'other';
      /** When the subscription was made. */
      born: number;
      state: SubscriptionState;
      /** What it was before, where the event says so. */
      before: SubscriptionState | null;
    })
  | (Common & {
      kind: 'invoice';
      paid: boolean;
      invoice: string;
      /** The invoice that makes a subscription, or one that somebody made by hand: neither says how it goes. */
      aside: boolean;
    });
