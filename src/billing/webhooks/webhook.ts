/** What became of a webhook whose signature is right. `unknown_tenant` and `unreadable` may change; the others are final. */
export const RECEIVED_OUTCOMES = ['applied', 'unchanged', 'stale', 'ignored', 'unknown_tenant', 'unreadable'] as const;
export type ReceivedOutcome = (typeof RECEIVED_OUTCOMES)[number];

/** What became of any webhook. Of a `refused` one only its arrival and the error code are recorded. */
export const WEBHOOK_OUTCOMES = [...RECEIVED_OUTCOMES, 'refused'] as const;
export type WebhookOutcome = (typeof WEBHOOK_OUTCOMES)[number];

/** The form of any provider's event types, such as `v2.core.account[requirements].updated`. */
export const EVENT_TYPE = /^[\x21-\x7e]{1,255}$/;
/** Stands for the type of a webhook that was refused before it was read. */
export const UNREAD = 'unread';

/** What a provider's reader keeps of one webhook; `kind` is the provider's source. */
export type Fact = { kind: string };

/** What applying a webhook again needs. It is stored, so a shape that was written once must stay readable. */
export type WebhookContents<F extends Fact = Fact> =
  | F
  /** A type that does not concern Latchkey. */
  | { kind: 'foreign' }
  /** A type that does, in a shape that the reader does not know. */
  | { kind: 'unreadable'; detail: string };

/** An incoming webhook whose signature is right. */
export type Webhook<F extends Fact = Fact> = {
  source: string;
  /** The provider's own id of the event. */
  eventId: string;
  type: string;
  /** When it happened at the provider, if the webhook says so. */
  occurredAt: Date | undefined;
  /** The organization that it names. */
  organizationId?: string | undefined;
  /** The provider's customer, where the organization is found by it. */
  customerId?: string | undefined;
  contents: WebhookContents<F>;
};

export type WebhookResult = {
  outcome: ReceivedOutcome;
  organizationId?: string | undefined;
  /** For operators. */
  detail?: string | undefined;
};
