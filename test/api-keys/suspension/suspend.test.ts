import { describe, expect, test } from 'vitest';
import { call, createKey, outcome, requestKey, verifyKey } from '../../support/api.ts';
import type { Answer } from '../../support/api.ts';
import { startService } from '../../support/service.ts';
import { keysAtWorkos } from '../../support/workos-keys.ts';
import { deliver, startWebhookService } from '../../webhooks/webhook-service.ts';
import { startReceiver } from '../../webhooks/receiver.ts';

const service = await startService(
  {},
  { product: { api_keys: { prefixes: ['sk_'], owners: ['organization'], expiry: { extend: true } } } },
);
const { db } = service;

const MINUTE_MS = 60_000;
/** Shorter than a session. */
const SOON_MS = 2 * MINUTE_MS;
const post = (token: string, path: string, body?: object): Promise<Answer> =>
  call(service, 'POST', `/v1/api-keys/${path}`, { token, ...(body && { body }) });
const suspend = (token: string, id: string, body?: object) => post(token, `${id}/suspend`, body);
const resume = (token: string, id: string) => post(token, `${id}/resume`);
const get = async (token: string, id: string) => (await call(service, 'GET', `/v1/api-keys/${id}`, { token })).body;
const codeOf = async (key: string) => (await verifyKey(service, { key })).body['code'];
const idsOf = async (token: string, query: string) =>
  (await call(service, 'GET', `/v1/api-keys${query}`, { token })).body.data.map(({ id }) => id);
const inMinutes = (minutes: number) => new Date(service.clock().getTime() + minutes * MINUTE_MS).toISOString();
const ISO = expect.stringMatching(/^\d{4}-.*Z$/);
const eventsOf = async (id: string) =>
  db('audit_events').where({ target_id: id }).orderBy('sequence').select('action', 'actor_kind', 'actor_id', 'details');

async function setUp(key: object = {}) {
  const acme = await service.organizations.add({ status: 'active', plan: 'scale' });
  const owner = await acme.session('owner');
  return { acme, owner, key: await createKey(service, owner, key) };
}

describe('POST /v1/api-keys/{id}/suspend', () => {
  test('stops the key at once wherever it is judged, and says when, who and why', async () => {
    const { acme, owner, key } = await setUp();
    expect(await codeOf(key.value)).toBe('valid');
    const by = { kind: 'user', id: acme.userId('owner'), name: null };
    const { status, body } = await suspend(owner, key.id, { reason: 'Seen in a public log.' });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      id: key.id,
      status: 'suspended',
      suspended_at: ISO,
      suspended_by: by,
      suspension_reason: 'Seen in a public log.',
      revoked_at: null,
    });
    expect(body).not.toHaveProperty('value');
    expect((await verifyKey(service, { key: key.value })).body).toMatchObject({
      valid: false,
      code: 'suspended',
      id: key.id,
      organization_id: acme.id,
      source: 'mirror',
    });
    const refused = [401, 'credential_suspended'];
    const headers = { 'x-api-key': key.value };
    expect(outcome(await call(service, 'GET', '/v1/auth/forward', { headers }))).toEqual(refused);
    expect(outcome(await call(service, 'GET', '/v1/me/session', { token: key.value }))).toEqual(refused);
    const session = await call(service, 'GET', '/v1/api-keys', { token: key.value });
    expect([...outcome(session), session.body.error.details]).toEqual([...refused, { credential: 'api_key' }]);
    expect(await get(owner, key.id)).toMatchObject({ status: 'suspended', suspended_by: by });
  });

  test('asks WorkOS nothing, where the key lives on as it was', async () => {
    const { acme, owner, key } = await setUp();
    const [there] = await keysAtWorkos(service, acme.id);
    const before = service.workos.requests().length;
    await suspend(owner, key.id);
    await resume(owner, key.id);
    expect(service.workos.requests()).toHaveLength(before);
    expect(await keysAtWorkos(service, acme.id)).toEqual([there]);
  });

  test('changes nothing when it is repeated, and records one event', async () => {
    const { acme, owner, key } = await setUp();
    const first = await suspend(owner, key.id, { reason: 'first' });
    service.clock.advance(1_000);
    const second = await suspend(await acme.machineToken(), key.id, { reason: 'second' });
    expect(second.body).toEqual(first.body);
    const events = (await eventsOf(key.id)).filter(({ action }) => action === 'api_key.suspended');
    expect(events).toEqual([
      {
        action: 'api_key.suspended',
        actor_kind: 'user',
        actor_id: acme.userId('owner'),
        details: { label: 'a key', reason: 'first' },
      },
    ]);
  });

  test('takes a body or none, and refuses a reason that is too long, hidden or not text', async () => {
    const { owner, key } = await setUp();
    for (const reason of ['x'.repeat(201), '', 'a\u202Eb', 'a\u0000b', 7, null])
      expect(outcome(await suspend(owner, key.id, { reason }))).toEqual([400, 'validation_error']);
    expect(outcome(await suspend(owner, key.id, { why: 'x' }))).toEqual([400, 'validation_error']);
    expect(await get(owner, key.id)).toMatchObject({ status: 'active' });
    expect((await suspend(owner, key.id)).body).toMatchObject({ status: 'suspended', suspension_reason: null });
    await resume(owner, key.id);
    const reason = '🙂'.repeat(200);
    expect((await suspend(owner, key.id, { reason })).body).toMatchObject({ suspension_reason: reason });
  });

  test('refuses an unknown id, and a key that is revoked or has expired', async () => {
    const { owner, key } = await setUp();
    expect(outcome(await suspend(owner, 'api_key_01ARZ3NDEKTSV4RRFFQ69G5FAV'))).toEqual([404, 'api_key_not_found']);
    const ended = await createKey(service, owner, { expires_at: inMinutes(1) });
    service.clock.advance(SOON_MS);
    await call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token: owner });
    for (const [id, status] of [
      [key.id, 'revoked'],
      [ended.id, 'expired'],
    ] as const) {
      for (const answer of [await suspend(owner, id), await resume(owner, id)]) {
        expect(outcome(answer)).toEqual([400, 'validation_error']);
        expect(answer.body.error.details).toEqual({ fields: { id: `This key is ${status}, and stays so.` } });
      }
      expect(await get(owner, id)).toMatchObject({ status, suspended_at: null });
    }
  });

  test('spends nothing of the limits of the key, and is counted as suspended', async () => {
    const { owner, key } = await setUp({ rate_limit: { limit: 2, window_seconds: 3_600 } });
    await suspend(owner, key.id);
    for (let i = 0; i < 5; i++) expect(await codeOf(key.value)).toBe('suspended');
    await resume(owner, key.id);
    expect(await codeOf(key.value)).toBe('valid');
    await service.background.runOnce('flush_usage');
    const { body } = await call(service, 'GET', `/v1/api-keys/${key.id}/usage`, { token: owner });
    expect(body).toMatchObject({ codes: { suspended: 5, valid: 1 } });
  });
});

describe('POST /v1/api-keys/{id}/resume', () => {
  test('makes the same secret work again with all that the key had', async () => {
    const { acme, owner, key } = await setUp({ permission_set: 'full_access' });
    const before = await verifyKey(service, { key: key.value });
    const was = await get(owner, key.id);
    const { suspended_at: suspendedAt } = (await suspend(owner, key.id, { reason: 'a false alarm' })).body;
    const { status, body } = await resume(await acme.machineToken(), key.id);
    expect([status, body]).toEqual([200, { ...was, updated_at: ISO }]);
    expect((await verifyKey(service, { key: key.value })).body).toMatchObject({
      valid: true,
      scopes: before.body['scopes'],
    });
    expect((await eventsOf(key.id)).at(-1)).toMatchObject({
      action: 'api_key.resumed',
      actor_kind: 'machine',
      details: { label: 'a key', suspended_at: suspendedAt },
    });
  });

  test('changes nothing for a key that is not suspended', async () => {
    const { owner, key } = await setUp();
    const before = await get(owner, key.id);
    const { status, body } = await resume(owner, key.id);
    expect([status, body]).toEqual([200, before]);
    expect(await eventsOf(key.id)).toHaveLength(1);
  });
});

describe('a suspended key', () => {
  test('is in the list of suspended keys, in every order and page, and not in that of active ones', async () => {
    const { owner, key } = await setUp({ label: 'b' });
    const keys = [key];
    for (const label of ['a', 'd', 'c']) keys.push(await createKey(service, owner, { label }));
    for (const each of keys.slice(0, 3)) await suspend(owner, each.id);
    const [b, a, d, c] = keys.map(({ id }) => id);
    expect(await idsOf(owner, '?status=active')).toEqual([c]);
    expect(await idsOf(owner, '?status=suspended')).toEqual([d, a, b]);
    expect(await idsOf(owner, '?status=suspended&sort=label')).toEqual([a, b, d]);
    expect(await idsOf(owner, '?status=suspended&sort=created_at&limit=2')).toEqual([b, a]);
    expect(await idsOf(owner, `?status=suspended&sort=created_at&limit=2&after=${a}`)).toEqual([d]);
    expect(await idsOf(owner, `?status=suspended&sort=label&limit=1&before=${d}`)).toEqual([b]);
    expect(await idsOf(owner, '')).toHaveLength(4);
    const { body } = await call(service, 'GET', '/v1/api-keys?status=suspended&count=true', { token: owner });
    expect(body.list_metadata).toMatchObject({ total: 3 });
  });

  test('counts towards the quota', async () => {
    const acme = await service.organizations.add({ status: 'active', plan: 'free' });
    const owner = await acme.session();
    const usage = async () => (await call(service, 'GET', '/v1/organization', { token: owner })).body;
    const { limits } = (await usage()) as unknown as { limits: { api_keys: number } };
    const keys = [];
    for (let i = 0; i < limits.api_keys; i++) keys.push(await createKey(service, owner));
    await suspend(owner, keys[0]!.id);
    expect(await usage()).toMatchObject({ usage: { api_keys: limits.api_keys } });
    expect(outcome(await requestKey(service, owner))).toEqual([409, 'key_limit_reached']);
  });

  test('expires while it is suspended, and no resumption brings it back', async () => {
    const { owner, key } = await setUp({ expires_at: inMinutes(1) });
    await suspend(owner, key.id);
    service.clock.advance(SOON_MS);
    expect(await codeOf(key.value)).toBe('expired');
    expect(await get(owner, key.id)).toMatchObject({ status: 'expired', suspended_by: { kind: 'user' } });
    expect(await idsOf(owner, '?status=suspended')).toEqual([]);
    expect(await idsOf(owner, '?status=expired')).toEqual([key.id]);
    expect(outcome(await resume(owner, key.id))).toEqual([400, 'validation_error']);
    expect(await codeOf(key.value)).toBe('expired');
  });

  test('can be revoked, which is for ever', async () => {
    const { acme, owner, key } = await setUp();
    await suspend(owner, key.id);
    expect(outcome(await call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token: owner }))).toEqual([
      200,
      undefined,
    ]);
    expect(await codeOf(key.value)).toBe('revoked');
    expect(await get(owner, key.id)).toMatchObject({ status: 'revoked' });
    expect(outcome(await resume(owner, key.id))).toEqual([400, 'validation_error']);
    expect(await keysAtWorkos(service, acme.id)).toEqual([]);
  });

  test('is not rotated: 409 api_key_suspended, and nothing is made', async () => {
    const { acme, owner, key } = await setUp();
    await suspend(owner, key.id);
    expect(outcome(await post(owner, `${key.id}/rotate`, {}))).toEqual([409, 'api_key_suspended']);
    expect(await keysAtWorkos(service, acme.id)).toHaveLength(1);
    await resume(owner, key.id);
    expect(outcome(await post(owner, `${key.id}/rotate`, {}))).toEqual([201, undefined]);
  });

  test('takes new settings and another expiry, earlier and later, and stays suspended', async () => {
    const { owner, key } = await setUp({ expires_at: inMinutes(4) });
    await suspend(owner, key.id);
    for (const minutes of [2, 8]) {
      const body = { label: `for ${minutes} minutes`, expires_at: inMinutes(minutes) };
      const answer = await call(service, 'PATCH', `/v1/api-keys/${key.id}`, { token: owner, body });
      expect(answer.body).toMatchObject({ ...body, status: 'suspended' });
    }
    expect(await codeOf(key.value)).toBe('suspended');
  });

  test('stops alone: the other half of a rotation with a grace goes on', async () => {
    const { owner, key: old } = await setUp();
    const { body } = await post(owner, `${old.id}/rotate`, { grace_seconds: 60 });
    const successor = body as unknown as { id: string; value: string };
    await suspend(owner, old.id);
    expect([await codeOf(old.value), await codeOf(successor.value)]).toEqual(['suspended', 'valid']);
    await resume(owner, old.id);
    await suspend(owner, successor.id);
    expect([await codeOf(old.value), await codeOf(successor.value)]).toEqual(['valid', 'suspended']);
    await suspend(owner, old.id);
    service.clock.advance(SOON_MS);
    expect([await codeOf(old.value), await codeOf(successor.value)]).toEqual(['expired', 'suspended']);
    await resume(owner, successor.id);
    expect(await codeOf(successor.value)).toBe('valid');
  });

  test('is counted by its status in the metrics', async () => {
    const { owner, key } = await setUp();
    await suspend(owner, key.id);
    await codeOf(key.value);
    await service.background.runOnce('read_gauges');
    const text = await (await fetch(`${service.url}/metrics`)).text();
    expect(text).toMatch(/latchkey_verifications_total\{[^}]*="suspended"[^}]*\} \d/);
    expect(text).toMatch(/latchkey_api_keys\{status="suspended"\} \d/);
  });
});

describe('the webhooks api_key.suspended and api_key.resumed', () => {
  test('have the key, who did it and why, and no secret', async () => {
    const receiver = await startReceiver();
    const endpoints = [{ name: 'crm', url: receiver.url, secrets: [receiver.secret] }];
    const sending = await startWebhookService({ endpoints });
    const acme = await sending.organizations.add();
    const owner = await acme.session('owner');
    const key = await createKey(sending, owner);
    const body = { reason: 'a leak' };
    await call(sending, 'POST', `/v1/api-keys/${key.id}/suspend`, { token: owner, body });
    await call(sending, 'POST', `/v1/api-keys/${key.id}/resume`, { token: owner });
    await deliver(sending);
    const [, suspended, resumed] = receiver.takenOf(acme.id).map(({ body: sent }) => sent);
    const actor = { kind: 'user', id: acme.userId('owner') };
    expect(suspended).toMatchObject({ type: 'api_key.suspended', data: { actor, details: { reason: 'a leak' } } });
    expect(suspended!.data.api_key).toMatchObject({
      id: key.id,
      status: 'suspended',
      suspended_at: expect.any(String),
    });
    expect(suspended!.data.api_key).not.toHaveProperty('suspension_reason');
    expect(resumed).toMatchObject({ type: 'api_key.resumed', data: { actor, details: {} } });
    expect(resumed!.data.api_key).toMatchObject({ id: key.id, status: 'active', suspended_at: null });
    expect(JSON.stringify([suspended, resumed])).not.toContain(key.value);
  });
});
