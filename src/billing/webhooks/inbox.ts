import type { Knex } from 'knex';
import type { Clock } from '../../clock.ts';
import { ulid } from '../../ids.ts';
import { BILLING_UPDATED } from './webhook.ts';
import type { BillingMessage, Hook, HookContents, HookOutcome, HookSource, Judged } from './webhook.ts';

type KeptContents = HookContents | { kind: 'refused' };

export type InboxRow = {
  id: string;
  source: HookSource;
  event_id: string;
  type: string;
  organization_id: string | null;
  customer_id: string | null;
  occurred_at: Date | null;
  received_at: Date;
  outcome: HookOutcome;
  detail: string | null;
  attempts: number;
  payload: KeptContents;
};

/** A hook as it is kept. */
export type KeptHook = Omit<Hook, 'contents'> & {
  id: string;
  contents: KeptContents;
  organizationId: string | undefined;
  receivedAt: Date;
  outcome: HookOutcome;
  detail: string | undefined;
  attempts: number;
};

export type Inbox = ReturnType<typeof makeInbox>;

const MAX_MESSAGES = 100;
/** Of a message that happened before more others than this, only the plan and the limit are heard. */
const MAX_LATER = 10_000;
const MAX_DETAIL = 500;

/** The hooks that came in, each once by its sender's own id. */
export function makeInbox(clock: Clock) {
  return {
    /**
     * Takes a hook in, and holds it until the transaction ends. One that was here before is taken in again only while it
     * could not be applied.
     * @returns its id here; undefined for one that is not to be applied
     */
    async add(trx: Knex.Transaction, hook: Hook): Promise<string | undefined> {
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
        toValues(hook, clock()),
      );
      return rows[0]?.id;
    },

    async settle(trx: Knex.Transaction, id: string, { outcome, organizationId, detail }: Judged): Promise<void> {
      await trx<InboxRow>('hook_inbox')
        .where({ id })
        .update({
          outcome,
          ...(organizationId !== undefined && { organization_id: organizationId }),
          detail: detail?.slice(0, MAX_DETAIL) ?? null,
        });
    },

    /** Holds a hook that is kept, and counts that it was tried again. */
    async take(trx: Knex.Transaction, id: string): Promise<KeptHook | undefined> {
      const [row] = await trx<InboxRow>('hook_inbox').where({ id }).increment('attempts', 1).returning('*');
      return row && toHook(row);
    },

    /**
     * The messages kept of an organization, what happened last first: a hundred, or as many as reach back to the one
     * just heard, if that came late.
     */
    async messagesOf(
      trx: Knex.Transaction,
      { organization_id: organizationId, occurred_at: heardOf }: BillingMessage,
    ): Promise<{ eventId: string; message: BillingMessage }[]> {
      const newest = () =>
        trx<InboxRow>('hook_inbox')
          .where({ source: 'billing', type: BILLING_UPDATED, organization_id: organizationId })
          .orderByRaw('occurred_at desc, event_id collate "C" desc')
          .select('event_id', 'payload', 'occurred_at');
      const some = await newest().limit(MAX_MESSAGES);
      const heardAt = new Date(heardOf);
      const isReached = some.length < MAX_MESSAGES || some.at(-1)!.occurred_at! < heardAt;
      const rows = isReached ? some : await newest().where('occurred_at', '>=', heardAt).limit(MAX_LATER);
      return rows.flatMap(({ event_id: eventId, payload }) =>
        payload.kind === 'billing' ? [{ eventId, message: payload.message }] : [],
      );
    },
  };
}

function toValues({ source, eventId, type, occurredAt, contents }: Hook, now: Date) {
  const customer = contents.kind === 'stripe' ? contents.fact.customer : null;
  const payload = JSON.stringify(contents);
  return [
    `hook_${ulid(now)}`,
    source,
    eventId,
    type,
    organizationOf(contents),
    customer,
    occurredAt ?? null,
    now,
    payload,
  ];
}

function organizationOf(contents: HookContents): string | null {
  if (contents.kind === 'billing') return contents.message.organization_id;
  return contents.kind === 'stripe' ? contents.fact.organization : null;
}

export function toHook(row: InboxRow): KeptHook {
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
