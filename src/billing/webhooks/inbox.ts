import type { Knex } from 'knex';
import type { Clock } from '../../clock.ts';
import { ulid } from '../../ids.ts';
import type { Webhook, WebhookContents, WebhookOutcome, WebhookResult } from './webhook.ts';

type RecordedContents = WebhookContents | { kind: 'refused' };

export type InboxRow = {
  id: string;
  source: string;
  event_id: string;
  type: string;
  organization_id: string | null;
  customer_id: string | null;
  occurred_at: Date | null;
  received_at: Date;
  outcome: WebhookOutcome;
  detail: string | null;
  attempts: number;
  payload: RecordedContents;
};

/** A webhook in the inbox. */
export type RecordedWebhook = Omit<Webhook, 'contents' | 'customerId'> & {
  id: string;
  contents: RecordedContents;
  receivedAt: Date;
  outcome: WebhookOutcome;
  detail: string | undefined;
  attempts: number;
};

export type Inbox = ReturnType<typeof makeInbox>;

const MAX_DETAIL = 500;

/** Writes the inbox of incoming webhooks, which holds each event of a provider once. */
export function makeInbox(clock: Clock) {
  return {
    /**
     * Records a webhook and locks its row until the transaction ends. An event that was recorded before is recorded again
     * only while it could not be applied.
     * @returns the row's id; undefined when the webhook must not be applied
     */
    async add(trx: Knex.Transaction, webhook: Webhook): Promise<string | undefined> {
      const { rows } = await trx.raw<{ rows: { id: string }[] }>(
        `insert into hook_inbox as kept (
           id, source, event_id, type, organization_id, customer_id, occurred_at, received_at, outcome, attempts, payload
         ) values (?, ?, ?, ?, ?, ?, ?, ?, 'ignored', 1, ?)
         on conflict (source, event_id) do update
           set attempts = kept.attempts + 1, payload = excluded.payload, type = excluded.type,
             organization_id = excluded.organization_id, customer_id = excluded.customer_id,
             occurred_at = excluded.occurred_at
           where kept.outcome in ('unknown_tenant', 'unreadable')
         returning id`,
        toValues(webhook, clock()),
      );
      return rows[0]?.id;
    },

    async settle(trx: Knex.Transaction, id: string, { outcome, organizationId, detail }: WebhookResult): Promise<void> {
      await trx<InboxRow>('hook_inbox')
        .where({ id })
        .update({
          outcome,
          ...(organizationId !== undefined && { organization_id: organizationId }),
          detail: detail?.slice(0, MAX_DETAIL) ?? null,
        });
    },

    /** Locks a recorded webhook and counts another attempt. */
    async retry(trx: Knex.Transaction, id: string): Promise<RecordedWebhook | undefined> {
      const [row] = await trx<InboxRow>('hook_inbox').where({ id }).increment('attempts', 1).returning('*');
      return row && toWebhook(row);
    },
  };
}

function toValues(webhook: Webhook, now: Date) {
  return [
    `hook_${ulid(now)}`,
    webhook.source,
    webhook.eventId,
    webhook.type,
    webhook.organizationId ?? null,
    webhook.customerId ?? null,
    webhook.occurredAt ?? null,
    now,
    JSON.stringify(webhook.contents),
  ];
}

export function toWebhook(row: InboxRow): RecordedWebhook {
  return {
    id: row.id,
    source: row.source,
    eventId: row.event_id,
    type: row.type,
    organizationId: row.organization_id ?? undefined,
    occurredAt: row.occurred_at ?? undefined,
    receivedAt: row.received_at,
    outcome: row.outcome,
    detail: row.detail ?? undefined,
    attempts: row.attempts,
    contents: row.payload,
  };
}
