import type { StripeStatus } from '../../../product/stripe-rules.ts';

/** A subscription at one moment: the fields that decide about billing, and those that distinguish two moments. */
export type SubscriptionState = {
  status: StripeStatus;
  /** In seconds since 1970, like every time of Stripe. */
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

/** What one event says about one subscription. */
export type StripeFact =
  | (Common & {
      kind: 'state';
      change: 'created' | 'updated' | 'deleted' | 'other';
      /** When the subscription was created. */
      born: number;
      state: SubscriptionState;
      /** The subscription before the change, if the event has it. */
      before: SubscriptionState | null;
    })
  | (Common & {
      kind: 'invoice';
      paid: boolean;
      invoice: string;
      /** The invoice created the subscription or was made by hand, so it does not say how the subscription stands. */
      aside: boolean;
    });
