import type { Knex } from 'knex';
import type { z } from 'zod';
import type { AuditSource } from '../../audit/audit-event.ts';
import type { Clock } from '../../clock.ts';
import type { SignedAccess } from '../../http/route.ts';
import type { Product } from '../../product/product.ts';
import type { ApplyBilling } from '../apply-billing.ts';
import type { Fact, Webhook, WebhookResult } from './webhook.ts';

export type HeldTenant = { status: string | undefined; statusSince: Date | undefined };

/** What a provider may use to read its webhooks and to apply them. */
export type ProviderParts = {
  product: Product;
  planNames: [string, ...string[]];
  /** Creates the tenant if there is none, and locks its row until the transaction ends. */
  holdTenant: (trx: Knex.Transaction, organizationId: string) => Promise<HeldTenant>;
  applyBilling: ApplyBilling;
};

type Definition<B extends z.ZodType, F extends Fact> = {
  /** Names the provider in the inbox, the audit log, metrics and logs; also the `kind` of its facts. */
  source: F['kind'];
  /** The environment variable with the signing secrets. Without secrets there is no route. `example` is a valid value. */
  variable: { name: string; secrets: z.ZodType<string[]>; example: string };
  /** Event types that metrics name; every other one is counted as `other`. */
  eventTypes: readonly string[];
  signature: {
    scheme: SignedAccess['schemes'][number];
    makeVerify(secrets: readonly string[], clock: Clock): SignedAccess['verify'];
  };
  route: { operationId: string; path: `/${string}`; summary: string; description: string };
  /** What any body has; the reader decides about the rest. */
  body: B;
  /** @returns the reader of a body, and what applies a webhook in the transaction that holds its row */
  connect(parts: ProviderParts): {
    /** @throws AppError `validation_error`: nothing is recorded, and the provider sends the webhook again */
    read(body: z.output<B>, at: { messageId: string | undefined; now: Date }): Webhook<F>;
    apply(
      trx: Knex.Transaction,
      webhook: { eventId: string; contents: F },
      source: AuditSource,
    ): Promise<WebhookResult>;
  };
};

/** A sender of billing webhooks, with all that Latchkey knows of it. Its types are erased. */
export type Provider = Definition<z.ZodType, Fact>;

// A provider is given only bodies that match its schema, and contents of its own kind.
export function defineProvider<B extends z.ZodType, F extends Fact>(definition: Definition<B, F>): Provider {
  return definition;
}
