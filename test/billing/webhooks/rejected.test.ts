import { describe, expect, test } from 'vitest';
import { call, outcome } from '../../support/api.ts';
import type { Answer } from '../../support/api.ts';
import { startService } from '../../support/service.ts';
import { HOOK_SECRETS, message, newId, sendBilling, sendStripe, stripeEvent } from './send.ts';

const service = await startService(HOOK_SECRETS);
const event = () => stripeEvent('charge.succeeded', {});
const HUGE = JSON.stringify({ ...event(), more: 'x'.repeat(256 * 1024) });
const AS_TEXT = { headers: { 'content-type': 'text/plain' } };
const WRONG = { headers: { 'stripe-signature': 't=1,v1=00' } };

async function counted(source: string): Promise<number> {
  const text = await (await fetch(`${service.url}/metrics`)).text();
  const line = new RegExp(`latchkey_hooks_total\\{source="${source}",type="unread",outcome="refused"\\} (\\d+)`).exec(
    text,
  );
  return Number(line?.[1] ?? 0);
}

async function keptBy(answer: Answer): Promise<object[]> {
  return service.db('hook_inbox').where({ event_id: answer.body.error.request_id });
}

describe('POST /v1/hooks/stripe and /v1/hooks/billing', () => {
  test.each([
    [
      'has no signature',
      'stripe',
      401,
      'credential_missing',
      () => call(service, 'POST', '/v1/hooks/stripe', { body: {} }),
    ],
    ['has a wrong signature', 'stripe', 401, 'credential_invalid', () => sendStripe(service, event(), WRONG)],
    ['is huge', 'stripe', 413, 'payload_too_large', () => sendStripe(service, HUGE)],
    [
      'is no JSON by its own word',
      'stripe',
      415,
      'unsupported_media_type',
      () => sendStripe(service, event(), AS_TEXT),
    ],
    ['is no JSON', 'stripe', 400, 'validation_error', () => sendStripe(service, '{"id":')],
    ['is no event', 'stripe', 400, 'validation_error', () => sendStripe(service, '{}')],
    ['is no message', 'billing', 400, 'validation_error', () => sendBilling(service, '{}')],
    [
      'has a wrong field',
      'billing',
      400,
      'validation_error',
      () => sendBilling(service, message(newId('org'), { status: 'asleep' })),
    ],
  ])(
    'answers a webhook that %s (%s) with %i %s, logged and counted once',
    async (_what, source, status, code, send) => {
      const before = await counted(source);
      const answer = await send();
      expect(outcome(answer)).toEqual([status, code]);
      expect(await counted(source)).toBe(before + 1);
      const lines = service.logs.filter((line) => line.includes(answer.body.error.request_id ?? 'no id'));
      expect(
        lines.filter((line) => line.includes('billing webhook rejected')).map((line) => JSON.parse(line)),
      ).toMatchObject([{ level: 'warn', source, code }]);
      await expect
        .poll(() => keptBy(answer))
        .toMatchObject([{ source, type: 'unread', outcome: 'refused', detail: code }]);
    },
  );

  test('records ten rejected webhooks a minute of each source, without their contents', async () => {
    const source = 'billing';
    for (let i = 0; i < 30; i++) {
      const forged = message(newId('org'), { status: 'active', reason: 'forged' });
      await sendBilling(service, forged, { headers: { 'webhook-signature': 'v1,AAAA' } });
    }
    const rows = () => service.db('hook_inbox').where({ source });
    await expect.poll(async () => (await rows()).length).toBe(10);
    expect(JSON.stringify(await rows())).not.toMatch(/forged|org_/);
  });

  test('answers a rejected webhook the same when it cannot be recorded', async () => {
    const quiet = await startService(HOOK_SECRETS);
    await quiet.db.schema.renameTable('hook_inbox', 'hook_inbox_away');
    const answer = await sendStripe(quiet, event(), WRONG);
    expect(outcome(answer)).toEqual([401, 'credential_invalid']);
    await expect
      .poll(() => quiet.logs.filter((line) => line.includes('failed to record rejected webhook')))
      .toHaveLength(1);
  });
});
