import { describe, expect, test } from 'vitest';
import { WEBHOOK_BODIES } from '../../src/webhooks/webhook.ts';
import type { WebhookType } from '../../src/product/webhook-types.ts';
import { call, createKey, outcome } from '../support/api.ts';
import { deleteAtWorkos, makeDashboardKey } from '../support/at-workos.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';
import { deliver, outboxOf, startWebhookService } from './webhook-service.ts';
import { newSecret, startReceiver } from './receiver.ts';

const crm = await startReceiver();
const billing = await startReceiver();
const service = await startWebhookService({
  endpoints: [
    { name: 'crm', url: crm.url, secrets: [newSecret(), crm.secret] },
    { name: 'billing', url: billing.url, secrets: [billing.secret], events: ['organization.posture_changed'] },
  ],
});
await service.background.runOnce('tell_postures');

const say = (id: string, body: object) =>
  call(service, 'PUT', `/v1/organizations/${id}/billing`, { token: SERVICE_TOKEN, body });

describe('sends an event once, by its schema:', () => {
  test('a key is created, rotated and revoked', async () => {
    const organization = await service.organizations.add();
    const token = await organization.session();
    const key = await createKey(service, token, { label: 'CI', metadata: { note: 'a note of theirs' } });
    const rotated = await call(service, 'POST', `/v1/api-keys/${key.id}/rotate`, {
      token,
      body: { grace_seconds: 60 },
    });
    const successor = rotated.body as unknown as { id: string; value: string };
    await call(service, 'DELETE', `/v1/api-keys/${successor.id}`, { token });
    await deliver(service);
    await deliver(service);

    const told = crm.takenOf(organization.id);
    expect(told.map(({ body }) => [body.type, body.data.api_key?.['id']])).toEqual([
      ['api_key.created', key.id],
      ['api_key.created', successor.id],
      ['api_key.rotated', key.id],
      ['api_key.revoked', successor.id],
    ]);
    expect(told[0]!.body.data).toMatchObject({
      organization_id: organization.id,
      actor: { kind: 'user', id: organization.userId('owner') },
      api_key: { label: 'CI', prefix: key.prefix, permission_set: 'read_only', status: 'active', rotated_to: null },
    });
    expect(told[1]!.body.data.api_key).toMatchObject({ rotated_from: key.id });
    expect(told[2]!.body.data).toMatchObject({ api_key: { rotated_to: successor.id }, details: { grace_seconds: 60 } });
    expect(told[3]!.body.data.api_key).toMatchObject({ status: 'revoked', revoked_at: expect.any(String) });
    for (const { body } of told) expect(WEBHOOK_BODIES[body.type as WebhookType].safeParse(body).error).toBeUndefined();
    expect(new Set(told.map(({ id }) => id)).size).toBe(4);
    expect(crm.wrong).toEqual([]);

    const rows = JSON.stringify(await outboxOf(service, organization.id));
    for (const secret of [key.value, successor.value, 'a note of theirs']) {
      expect(told.some(({ text }) => text.includes(secret))).toBe(false);
      expect(rows).not.toContain(secret);
    }
  });

  test('a key is created and deleted at WorkOS', async () => {
    const organization = await service.organizations.add();
    const key = await makeDashboardKey(service, organization.id);
    await service.background.runOnce('events');
    await deleteAtWorkos(service, key.id);
    await service.background.runOnce('events');
    await deliver(service);
    expect(crm.typesOf(organization.id)).toEqual(expect.arrayContaining(['api_key.created', 'api_key.revoked']));
    const made = crm.takenOf(organization.id).find(({ body }) => body.type === 'api_key.created');
    expect(made?.body.data).toMatchObject({ api_key: { id: key.id, origin: 'workos' }, actor: { kind: 'workos' } });
    expect(made?.text).not.toContain(key.value);
  });

  test('a posture changes by a statement, and not by its repetition', async () => {
    const { id } = await service.organizations.add(null);
    await say(id, { status: 'active', plan: 'scale' });
    await say(id, { status: 'active', plan: 'standard' });
    await say(id, { status: 'past_due', reason: 'invoice 7 is unpaid' });
    await deliver(service, 'billing');
    expect(billing.takenOf(id).map(({ body }) => body.data.details)).toEqual([
      { from: 'unknown', to: 'active', cause: 'billing', reason: null },
      { from: 'active', to: 'past_due', cause: 'billing', reason: 'invoice 7 is unpaid' },
    ]);
  });

  test('an organization is deleted at WorkOS', async () => {
    const { id } = await service.organizations.add();
    await fetch(`${service.workos.url}/organizations/${id}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${service.workos.apiKey}` },
    });
    await service.background.runOnce('events');
    await deliver(service, 'billing');
    expect(billing.takenOf(id).map(({ body }) => body.data.details)).toEqual([
      { from: 'active', to: 'decommissioning', cause: 'workos', reason: null },
    ]);
  });
});

test('sends an endpoint only the types that it wants', () => {
  const others = billing.taken.filter(({ body }) => body.type !== 'organization.posture_changed');
  expect(billing.taken.length).toBeGreaterThan(2);
  expect(others).toEqual([]);
});

test('sends nothing for a change that is rolled back', async () => {
  const organization = await service.organizations.add();
  const token = await organization.session();
  service.workos.faults.add({ kind: 'status', status: 422, method: 'POST', path: '/organizations/:id/api_keys' });
  const answer = await call(service, 'POST', '/v1/api-keys', {
    token,
    body: { label: 'x', permission_set: 'read_only' },
  });
  expect(outcome(answer)).toEqual([502, 'workos_rejected']);

  const key = await createKey(service, token);
  const before = await outboxOf(service, organization.id);
  await service.db.raw(`
    create function refuse_heads() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;
    create constraint trigger refuse_heads after update on audit_chain_heads deferrable initially deferred
      for each row execute function refuse_heads()`);
  const failed = await call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token });
  await service.db.raw('drop trigger refuse_heads on audit_chain_heads; drop function refuse_heads()');
  expect(failed.status).toBe(500);
  expect(await outboxOf(service, organization.id)).toEqual(before);
  expect(before).toHaveLength(1);
});

test('writes nothing without an endpoint', async () => {
  const plain = await startService();
  const organization = await plain.organizations.add({ status: 'trial', trialEndsAt: new Date(Date.now() + 1_000) });
  await createKey(plain, await organization.session());
  plain.clock.advance(2_000);
  await plain.background.runOnce('tell_postures');
  for (const table of ['outbox', 'outbox_lanes', 'outbox_endpoints', 'notice_marks', 'notice_postures'])
    expect(await plain.db(table)).toEqual([]);
});
