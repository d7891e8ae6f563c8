import { Webhook } from 'standardwebhooks';
import { describe, expect, test } from 'vitest';
import { call, outcome } from '../../support/api.ts';
import { startService } from '../../support/service.ts';
import {
  BILLING_SECRET,
  HOOK_SECRETS,
  OTHER_BILLING_SECRET,
  kept,
  message,
  newId,
  sendBilling,
  tenantOf,
} from './send.ts';

const PATH = '/v1/hooks/billing';
const MINUTE_MS = 60_000;
const service = await startService(HOOK_SECRETS);
const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
const said = (organizationId: string, data: object, second: number, id = newId('msg')) =>
  sendBilling(service, message(organizationId, data, at(second)), { id });

/** Messages of every second from the 10th, as the inbox keeps them. */
async function keepMessages(id: string, data: object, count = 100): Promise<void> {
  const rows = Array.from({ length: count }, (_unused, i) => ({
    id: newId('hook'),
    source: 'billing',
    event_id: newId('msg'),
    type: 'tenant.billing_updated',
    organization_id: id,
    occurred_at: at(10 + i),
    received_at: new Date(),
    outcome: 'unchanged',
    attempts: 1,
    payload: { kind: 'billing', message: { organization_id: id, occurred_at: at(10 + i), ...data } },
  }));
  await service.db('hook_inbox').insert(rows);
}

describe('POST /v1/hooks/billing', () => {
  test('changes the organization, and creates its tenant if there is none', async () => {
    const id = newId('org');
    const data = { status: 'trial', trial_ends_at: at(59), plan: 'scale', key_limit: 7, reason: 'They signed up.' };
    const answer = await sendBilling(service, message(id, data, at(1)), { id: `msg_${id}` });
    expect([answer.status, answer.body]).toEqual([200, { outcome: 'applied' }]);
    expect(await tenantOf(service, id)).toMatchObject({
      billing_status: 'trial',
      trial_ends_at: new Date(at(59)),
      plan: 'scale',
      key_limit: 7,
      billing_occurred_at: new Date(at(1)),
      billing_reason: 'They signed up.',
    });
    expect(await kept(service, `msg_${id}`)).toMatchObject({
      source: 'billing',
      outcome: 'applied',
      organization_id: id,
    });
    const [event] = await service.db('audit_events').where({ organization_id: id });
    expect(event).toMatchObject({
      actor_kind: 'system',
      actor_id: 'hook:billing',
      action: 'organization.billing_changed',
    });
    expect(event.request_id).toMatch(/^req_/);
  });

  test('returns 200 with the outcome whenever the message need not be sent again', async () => {
    const id = newId('org');
    const first = await said(id, { status: 'active' }, 10, `msg_first_${id}`);
    const answers = [
      first,
      await said(id, { status: 'active' }, 10, `msg_first_${id}`),
      await said(id, { status: 'active' }, 11),
      await said(id, { status: 'past_due' }, 9),
      await sendBilling(
        service,
        { type: 'invoice.sent', timestamp: at(1), data: { secret: 'of the sender' } },
        { id: `msg_other_${id}` },
      ),
    ];
    expect(answers.map(({ status, body }) => [status, body['outcome']])).toEqual(
      ['applied', 'repeated', 'unchanged', 'stale', 'ignored'].map((word) => [200, word]),
    );
    expect(await kept(service, `msg_other_${id}`)).toMatchObject({ outcome: 'ignored', payload: { kind: 'foreign' } });
  });

  test.each(['invoice.payment-failed', 'user:created', 'crm/contact'])(
    'returns 200 ignored for the type %s, whatever comes with it',
    async (type) => {
      const id = newId('msg');
      expect((await sendBilling(service, { type }, { id })).body).toEqual({ outcome: 'ignored' });
      expect(await kept(service, id)).toMatchObject({ type, outcome: 'ignored', payload: { kind: 'foreign' } });
    },
  );

  test('takes data.occurred_at as the time, else the timestamp', async () => {
    const id = newId('org');
    await sendBilling(service, message(id, { status: 'active', occurred_at: at(5) }, at(50)));
    expect(await tenantOf(service, id)).toMatchObject({ billing_occurred_at: new Date(at(5)) });
  });

  test('orders statements by PUT and by webhook together', async () => {
    const id = newId('org');
    const put = (status: string, second: number) =>
      call(service, 'PUT', `/v1/organizations/${id}/billing`, {
        token: 'svc_latchkey_tests',
        body: { status, occurred_at: at(second) },
      });
    await put('decommissioning', 10);
    expect((await said(id, { status: 'active' }, 9)).body).toEqual({ outcome: 'stale' });
    expect(await tenantOf(service, id)).toMatchObject({ billing_status: 'decommissioning' });
    expect((await said(id, { status: 'active' }, 11)).body).toEqual({ outcome: 'applied' });
  });

  test('does not restore by a late webhook what a PUT without a time removed, though the sender is ahead of our clock', async () => {
    const id = newId('org');
    const inMinutes = (minutes: number) => new Date(service.clock().getTime() + minutes * MINUTE_MS).toISOString();
    await sendBilling(service, message(id, { status: 'active' }, inMinutes(2)));
    const body = { status: 'past_due' };
    await call(service, 'PUT', `/v1/organizations/${id}/billing`, { token: 'svc_latchkey_tests', body });
    expect(
      (await sendBilling(service, message(id, { status: 'trial', trial_ends_at: at(1) }, inMinutes(1)))).body,
    ).toEqual({ outcome: 'stale' });
    expect(await tenantOf(service, id)).toMatchObject({ billing_status: 'past_due' });
  });

  test('applies a plan and a limit however many messages happened after theirs', async () => {
    const id = newId('org');
    await keepMessages(id, { status: 'active' });
    expect((await said(id, { status: 'past_due', plan: 'scale', key_limit: 7 }, 1)).body).toEqual({
      outcome: 'applied',
    });
    expect(await tenantOf(service, id)).toMatchObject({
      billing_status: 'active',
      status_since: new Date(at(10)),
      plan: 'scale',
      key_limit: 7,
      plan_occurred_at: new Date(at(1)),
    });
  });

  test.each([100, 1_500])(
    'a late message counts as if it had come in time, before %d that happened after it',
    async (count) => {
      const id = newId('org');
      const status = 'decommissioning';
      await keepMessages(id, { status }, count);
      await said(id, { status }, 10 + count);
      const first = { status, decommission_at: at(9_000), reason: 'They left.' };
      expect((await said(id, first, 1)).body).toEqual({ outcome: 'applied' });
      expect(await tenantOf(service, id)).toMatchObject({
        status_since: new Date(at(1)),
        decommission_at: new Date(at(9_000)),
        billing_reason: 'They left.',
      });
      expect((await said(id, { status: 'active' }, 5)).body).toEqual({ outcome: 'applied' });
      expect(await tenantOf(service, id)).toMatchObject({
        billing_status: status,
        status_since: new Date(at(10)),
        decommission_at: null,
        billing_reason: null,
      });
    },
  );

  test.each([
    ['no organization', { status: 'active' }, 'data.organization_id'],
    ['an organization that is none', { organization_id: 'acme', status: 'active' }, 'data.organization_id'],
    ['an organization beyond ASCII', { organization_id: 'org_💥', status: 'active' }, 'data.organization_id'],
    ['no status', { organization_id: 'org_x' }, 'data.status'],
    ['a status that nobody knows', { organization_id: 'org_x', status: 'asleep' }, 'data.status'],
    ['a trial without an end', { organization_id: 'org_x', status: 'trial' }, 'data.trial_ends_at'],
    [
      'a trial beyond the calendar',
      { organization_id: 'org_x', status: 'trial', trial_ends_at: '9999-12-31T23:59:59-01:00' },
      'data.trial_ends_at',
    ],
    ['a plan that is not there', { organization_id: 'org_x', status: 'active', plan: '__proto__' }, 'data.plan'],
    ['a huge limit', { organization_id: 'org_x', status: 'active', key_limit: 1e300 }, 'data.key_limit'],
    ['a field that is not there', { organization_id: 'org_x', status: 'active', surprise: 1 }, 'data.surprise'],
    ['a reason that is no text', { organization_id: 'org_x', status: 'active', reason: '\u0000' }, 'data.reason'],
    [
      'a reason that is half a character',
      { organization_id: 'org_x', status: 'active', reason: '\uD800' },
      'data.reason',
    ],
    [
      'a moment of the future',
      { organization_id: 'org_x', status: 'active', occurred_at: '9999-01-01T00:00:00Z' },
      'data.occurred_at',
    ],
    ['nothing', null, 'data'],
  ])('returns 400 with the field and records nothing: %s', async (_what, data, field) => {
    const id = newId('msg');
    const answer = await sendBilling(service, { type: 'tenant.billing_updated', timestamp: at(1), data }, { id });
    expect(outcome(answer)).toEqual([400, 'validation_error']);
    expect(Object.keys(answer.body.error.details?.['fields'] as object)).toContain(field);
    expect(await kept(service, id)).toBeUndefined();
  });

  test.each(['{"type":', '', '[]', '{}', '1', '{"type":"💥"}', `${'['.repeat(9_000)}${']'.repeat(9_000)}`])(
    'the signed body %.20j is 400',
    async (text) => {
      expect(outcome(await sendBilling(service, text))).toEqual([400, 'validation_error']);
    },
  );

  test('returns 400 for a message without a time', async () => {
    const { timestamp: _left, ...rest } = message(newId('org'), { status: 'active' });
    expect(outcome(await sendBilling(service, rest))).toEqual([400, 'validation_error']);
  });

  test.each([
    ['with another secret', { secret: `whsec_${Buffer.alloc(32, 'nobody').toString('base64')}` }],
    ['more than five minutes ago', { sentAt: Date.now() - 5 * MINUTE_MS - 5_000 }],
    ['more than five minutes from now', { sentAt: Date.now() + 5 * MINUTE_MS + 20_000 }],
    ['with an id that is too long', { id: 'm'.repeat(256) }],
    ['with a timestamp that is no number', { headers: { 'webhook-timestamp': '12abc' } }],
    [
      'with a timestamp of another message',
      { headers: { 'webhook-timestamp': String(Math.floor(Date.now() / 1_000) - 7) } },
    ],
    ['with the id of another message', { headers: { 'webhook-id': 'msg_other' } }],
    ['in another version', { headers: { 'webhook-signature': 'v2,abc' } }],
    ['as nothing', { headers: { 'webhook-signature': 'v1,' } }],
    ['a hundred times', { headers: { 'webhook-signature': Array(100).fill('v1,abc').join(' ') } }],
  ])('a message signed %s is refused', async (_what, sent) => {
    const id = newId('org');
    expect(outcome(await sendBilling(service, message(id, { status: 'active' }), sent))).toEqual([
      401,
      'credential_invalid',
    ]);
    expect(await tenantOf(service, id)).toBeUndefined();
    expect(
      service.logs.some((line) => line.includes('billing webhook rejected') && line.includes('"source":"billing"')),
    ).toBe(true);
  });

  test('refuses a message that is old by the clock of the service', async () => {
    const other = await startService(HOOK_SECRETS);
    other.clock.advance(10 * MINUTE_MS);
    expect(outcome(await sendBilling(other, message(newId('org'), { status: 'active' })))).toEqual([
      401,
      'credential_invalid',
    ]);
  });

  test('returns 401 without a signature, and for one of another body', async () => {
    const id = newId('msg');
    const text = JSON.stringify(message(newId('org'), { status: 'active' }));
    const headers = {
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(Date.now() / 1_000)),
      'webhook-signature': new Webhook(BILLING_SECRET).sign(id, new Date(), text),
    };
    expect(outcome(await call(service, 'POST', PATH, { body: `${text}\n`, headers }))).toEqual([
      401,
      'credential_invalid',
    ]);
    expect((await call(service, 'POST', PATH, { body: text, headers })).status).toBe(200);
    expect(outcome(await call(service, 'POST', PATH, { body: text }))).toEqual([401, 'credential_missing']);
  });

  test('accepts any of the secrets, and any of several signatures', async () => {
    const body = message(newId('org'), { status: 'active' });
    expect((await sendBilling(service, body, { secret: OTHER_BILLING_SECRET })).status).toBe(200);
    const [id, text] = [newId('msg'), JSON.stringify(body)];
    const signatures = ['v1,AAAA', 'v1a,BBBB', new Webhook(OTHER_BILLING_SECRET).sign(id, new Date(), text)];
    expect(
      (await sendBilling(service, text, { id, headers: { 'webhook-signature': signatures.join(' ') } })).status,
    ).toBe(200);
  });

  test('returns 503 while the database is unavailable', async () => {
    const other = await startService(HOOK_SECRETS);
    await other.db.destroy();
    const answer = await sendBilling(other, message(newId('org'), { status: 'active' }));
    expect(outcome(answer)).toEqual([503, 'database_unavailable']);
    expect(answer.headers.get('retry-after')).not.toBeNull();
  });
});
