import { BILLING_UPDATED } from './webhook.ts';
import type { Hook } from './webhook.ts';
import { STRIPE_TYPES } from './stripe/read-stripe-event.ts';

/** A type as a metric has it: types are the senders' to invent, the label is a closed set. */
export function typeLabel({ type }: Pick<Hook, 'type'>): string {
  return type === BILLING_UPDATED || Object.hasOwn(STRIPE_TYPES, type) ? type : 'other';
}
