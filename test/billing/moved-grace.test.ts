import { describe, expect, test } from 'vitest';
import { startConsumer, warm } from '../client/consumer.ts';
import { HOOK_SECRETS, message, sendBilling } from './webhooks/send.ts';
import { call, createKey } from '../support/api.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';

const DAY_MS = 86_400_000;
const service = await startService(HOOK_SECRETS, { billing: { grace_days: { past_due: 2 } } });
const daysAgo = (days: number) => new Date(service.clock().getTime() - days * DAY_MS).toISOString();

describe('POST /v1/hooks/billing', () => {
  test('moves the end of grace everywhere at once when a late statement dates the debt, and records it', async () => {
    const acme = await service.organizations.add();
    const key = await createKey(service, await acme.session());
    const consumer = await startConsumer(service);
    const owes = async (since: string) =>
      (await sendBilling(service, message(acme.id, { status: 'past_due' }, since))).body;
    const creates = async () => {
      const body = { key: key.value, operation: 'create' };
      const verdict = await call(service, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body });
      return [verdict.body['code'], (await consumer.ask(key.value, '/tasks', { method: 'POST' })).status];
    };
    const [late, early] = [daysAgo(1), daysAgo(3)];
    expect(await owes(late)).toEqual({ outcome: 'applied' });
    await warm(consumer, key.value);
    expect(await creates()).toEqual(['valid', 200]);
    expect(await owes(early)).toEqual({ outcome: 'applied' });
    await expect.poll(creates, { interval: 5 }).toEqual(['billing_inactive', 423]);
    const recorded = await service.db('audit_events').where({ organization_id: acme.id }).orderBy('sequence', 'desc');
    const owed = { status: 'past_due', trial_ends_at: null, plan: null };
    expect(recorded[0]).toMatchObject({
      action: 'organization.billing_changed',
      details: { before: { ...owed, status_since: late }, after: { ...owed, status_since: early } },
    });
  });
});
