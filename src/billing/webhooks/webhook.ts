import type { StripeFact } from './stripe/stripe-fact.ts';

export const HOOK_SOURCES = ['stripe', 'billing'] as const;
export type HookSource = (typeof HOOK_SOURCES)[number];

/** What became of a hook that was taken. `unknown_tenant` and `unreadable` may become another, the others are final. */
export const TAKEN_OUTCOMES = ['applied', 'unchanged', 'stale', 'ignored', 'unknown_tenant', 'unreadable'] as const;
export type TakenOutcome = (typeof TAKEN_OUTCOMES)[number];

/** What became of any hook. Of a `refused` one it is known that it came, and why it was not read. */
export const HOOK_OUTCOMES = [...TAKEN_OUTCOMES, 'refused'] as const;
export type HookOutcome = (typeof HOOK_OUTCOMES)[number];

/** Of any sender: what it calls its events is its own to choose, as `v2.core.account[requirements].updated`. */
export const EVENT_TYPE = /^[\x21-\x7e]{1,255}$/;
/** In place of a type, where nobody read it. */
export const UNREAD = 'unread';
export const BILLING_UPDATED = 'tenant.billing_updated';

/** What was said in Standard Webhooks, as it was sent and found valid. */
export type BillingMessage = { organization_id: string; occurred_at: string; status: string };

/** What applying a hook again needs. */
export type HookContents =
  | { kind: 'stripe'; fact: StripeFact }
  | { kind: 'billing'; message: BillingMessage }
  /** A type that does not concern Latchkey. */
  | { kind: 'foreign' }
  /** A type that does, in a shape that nobody expected. */
  | { kind: 'unreadable'; detail: string };

/** A hook whose signature is believed. */
export type Hook = {
  source: HookSource;
  /** The sender's own id of it. */
  eventId: string;
  type: string;
  /** When it happened there, as far as that can be read. */
  occurredAt: Date | undefined;
  contents: HookContents;
};

export type Judged = {
  outcome: TakenOutcome;
  organizationId?: string | undefined;
  /** For people. */
  detail?: string | undefined;
};
