import { BILLING_UPDATED } from './hook.ts';
import type { Hook } from './hook.ts';
import { STRIPE_TYPES } from './read-stripe-event.ts';

/** A type as a metric has it: types are the senders' to invent, the label is a closed set. */
export function typeLabel({ type }: Pick<Hook, 'type'>): string {
  return type === BILLING_UPDATED || Object.hasOwn(STRIPE_TYPES, type) ? type : 'other';
}
