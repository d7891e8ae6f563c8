import type { WebhookType } from '../../product/webhook-types.ts';

/** Every reason for which an attempt or a delivery fails. Closed: clients may switch on it. */
export const DELIVERY_ERRORS = ['http_error', 'timeout', 'connection_failed', 'endpoint_removed'] as const;
export type DeliveryError = (typeof DELIVERY_ERRORS)[number];

/** `pending`: no attempt yet; `retrying`: failed, and will be tried again; `failed`: given up. */
export const DELIVERY_STATUSES = ['pending', 'retrying', 'delivered', 'failed'] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

/** An attempt as the delivery's row has it. */
export type RecentAttempt = { at: string; status: number | null; error: DeliveryError | null };

/** The attempts that are kept of a delivery, the last ones. */
export const MAX_RECENT = 20;

/** The failure of a delivery that was given up because its endpoint had left the configuration. */
export const NOT_CONFIGURED = 'this endpoint is not configured';

/** A delivery as its organization may see it: without its body. */
export type WatchedDelivery = {
  id: string;
  /** Name of the endpoint. */
  endpoint: string;
  type: WebhookType;
  status: DeliveryStatus;
  /** Since it was written or replayed. */
  attempts: number;
  createdAt: Date;
  endedAt: Date | undefined;
  nextAttemptAt: Date | undefined;
  lastStatus: number | undefined;
  lastError: DeliveryError | undefined;
  /** Oldest first. */
  recentAttempts: readonly RecentAttempt[];
};
