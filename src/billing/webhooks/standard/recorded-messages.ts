import type { Knex } from 'knex';
import type { InboxRow } from '../inbox.ts';
import { BILLING_UPDATED } from './read-message.ts';
import type { BillingMessage, StandardContents } from './read-message.ts';

export type RecordedMessage = { eventId: string; message: BillingMessage };

const MAX_MESSAGES = 100;
/** Of a message that is older than this many others, only the plan and the limit count. */
const MAX_LATER = 10_000;

/**
 * Lists the recorded messages of an organization, the one that happened last first: a hundred, or as many as reach back to
 * the received one, if that is late.
 */
export async function listMessages(
  trx: Knex.Transaction,
  { organization_id: organizationId, occurred_at: receivedTime }: BillingMessage,
): Promise<RecordedMessage[]> {
  const newest = () =>
    trx<InboxRow>('hook_inbox')
      .where({ source: 'billing', type: BILLING_UPDATED, organization_id: organizationId })
      .orderByRaw('occurred_at desc, event_id collate "C" desc')
      .select('event_id', 'payload', 'occurred_at');
  const some = await newest().limit(MAX_MESSAGES);
  const occurredAt = new Date(receivedTime);
  const isReached = some.length < MAX_MESSAGES || some.at(-1)!.occurred_at! < occurredAt;
  const rows = isReached ? some : await newest().where('occurred_at', '>=', occurredAt).limit(MAX_LATER);
  return rows.flatMap(({ event_id: eventId, payload }) =>
    isMessage(payload) ? [{ eventId, message: payload.message }] : [],
  );
}

function isMessage(payload: InboxRow['payload']): payload is StandardContents {
  return payload.kind === 'billing';
}
