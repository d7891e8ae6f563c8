import type { Knex } from 'knex';
import { changesKeys } from '../../audit/audit-event.ts';
import type { LinkedEvent } from '../../audit/audit-event.ts';
import type { Clock } from '../../clock.ts';
import type { Key } from '../../api-keys/key.ts';
import { WEBHOOK_BODIES, viewPublishedKey, webhookEvent } from '../webhook.ts';
import type { WebhookEvent } from '../webhook.ts';
import type { OutboxWriter } from '../outbox-writer.ts';
import type { PostureWebhooks } from './posture-webhooks.ts';

export type HoldKeys = (trx: Knex.Transaction, organizationId: string, ids: readonly string[]) => Promise<Key[]>;

type Deps = {
  outbox: OutboxWriter;
  postures: Pick<PostureWebhooks, 'publishAfter'>;
  holdKeys: HoldKeys;
  clock: Clock;
};

const OF_KEYS = [
  'api_key.created',
  'api_key.rotated',
  'api_key.revoked',
  'api_key.leaked',
  'api_key.suspended',
  'api_key.resumed',
] as const;
type OfKey = (typeof OF_KEYS)[number];

const LeakDetails = WEBHOOK_BODIES['api_key.leaked'].shape.data.shape.details;

/** Publishes what the audit log records, in its transaction: a change that is rolled back is not published. */
export function makePublishAudited({ outbox, postures, holdKeys, clock }: Deps) {
  return async function publishAudited(
    trx: Knex.Transaction,
    organizationId: string,
    events: readonly LinkedEvent[],
  ): Promise<void> {
    await outbox.forward(trx, organizationId, events);
    const wanted = events.filter(isOfKey).filter(({ action }) => outbox.wants(action));
    const ids = [...new Set(wanted.map(({ target }) => target.id))];
    const keys = new Map((await holdKeys(trx, organizationId, ids)).map((key) => [key.id, key]));
    const published = wanted.flatMap((event) => {
      const key = keys.get(event.target.id);
      return key ? [describe(event, key, clock())] : [];
    });
    await outbox.publish(trx, organizationId, published);
    for (const event of events)
      if (event.target.kind === 'organization' && changesKeys(event)) await postures.publishAfter(trx, event);
  };
}

type OfKeyEvent = LinkedEvent & { action: OfKey };

function isOfKey(event: LinkedEvent): event is OfKeyEvent {
  return (OF_KEYS as readonly string[]).includes(event.action);
}

function describe(
  { action, organizationId, occurredAt, actor, details }: OfKeyEvent,
  key: Key,
  now: Date,
): WebhookEvent {
  const data = { api_key: viewPublishedKey(key, now), actor: { kind: actor.kind, id: actor.id } };
  if (action === 'api_key.leaked')
    return webhookEvent(action, organizationId, occurredAt, { ...data, details: LeakDetails.parse(details) });
  if (action === 'api_key.rotated') {
    const graceSeconds = Number(details['grace_seconds'] ?? 0);
    return webhookEvent(action, organizationId, occurredAt, { ...data, details: { grace_seconds: graceSeconds } });
  }
  if (action === 'api_key.suspended') {
    const { reason } = details;
    const given = typeof reason === 'string' ? reason : null;
    return webhookEvent(action, organizationId, occurredAt, { ...data, details: { reason: given } });
  }
  return webhookEvent(action, organizationId, occurredAt, { ...data, details: {} });
}
