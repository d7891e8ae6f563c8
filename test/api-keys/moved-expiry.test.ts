import { describe, expect, test } from 'vitest';
import { call, createKey, outcome } from '../support/api.ts';
import type { Answer } from '../support/api.ts';
import { expireAtWorkos } from '../support/at-workos.ts';
import { makeTestReconcile } from '../support/reconcile.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';
import { failAt } from '../support/workos-faults.ts';
import { keysAtWorkos } from '../support/workos-keys.ts';
import { keyRow } from '../support/key-row.ts';

const DAY_MS = 86_400_000;
const KEYS = { prefixes: ['sk_'] };
const plans = [{ name: 'short', key_limit: 10, max_expiry_days: 30 }];
/** An expiry can be moved earlier only. */
const fixed = await startService({}, { plans });
const service = await startService(
  {},
  { plans, product: { api_keys: { ...KEYS, expiry: { default: '90d', longest: '1y', extend: true } } } },
);
const endless = await startService({}, { product: { api_keys: { ...KEYS, expiry: { extend: true } } } });

type Started = typeof service;
const inDays = (days: number, on = service) => new Date(on.clock().getTime() + days * DAY_MS).toISOString();
const daysUntil = (time: unknown, on = service) =>
  Math.round(((Date.parse(String(time)) - on.clock().getTime()) / DAY_MS) * 1_000) / 1_000;
const fieldsOf = ({ body }: Answer) => Object.keys(body.error.details?.['fields'] as object);
const patch = (on: Started, token: string, id: string, body: object) =>
  call(on, 'PATCH', `/v1/api-keys/${id}`, { token, body });
const codeOf = async (on: Started, key: string) =>
  (await call(on, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body: { key } })).body['code'];
const endAtWorkos = async (on: Started, organizationId: string) =>
  (await keysAtWorkos(on, organizationId))[0]?.expires_at;

async function organization(on: Started, plan?: string) {
  const acme = await on.organizations.add({ status: 'active', ...(plan !== undefined && { plan }) });
  return { acme, token: await acme.session() };
}
async function withKey(on: Started, body: object = {}) {
  const { acme, token } = await organization(on);
  return { acme, token, key: await createKey(on, token, body) };
}

describe('PATCH /v1/api-keys/{id} with an earlier expiry', () => {
  test('applies here and at WorkOS at once, and is audited with before and after', async () => {
    const { acme, token, key } = await withKey(fixed);
    expect(await codeOf(fixed, key.value)).toBe('valid');
    const moved = await patch(fixed, token, key.id, { expires_in: '1d' });
    expect(outcome(moved)).toEqual([200, undefined]);
    const end = String(moved.body['expires_at']);
    expect(daysUntil(end, fixed)).toBeCloseTo(1, 2);
    expect(await endAtWorkos(fixed, acme.id)).toBe(end);
    expect(await keyRow(fixed.db, key.id)).toMatchObject({ due_at: null, workos_expires_at: new Date(end) });
    const { body } = await call(fixed, 'GET', `/v1/audit-events?target_id=${key.id}`, { token });
    expect(body.data[0]).toMatchObject({
      action: 'api_key.updated',
      details: { changed: ['expires_at'], expires_at: { before: null, after: end } },
    });
  });

  test('reaches replicas with the key in memory, which refuse it from the new expiry on', async () => {
    const { token, key } = await withKey(fixed);
    expect(await codeOf(fixed, key.value)).toBe('valid');
    const soon = new Date(fixed.clock().getTime() + 60_000).toISOString();
    expect((await patch(fixed, token, key.id, { expires_at: soon })).status).toBe(200);
    expect(await codeOf(fixed, key.value)).toBe('valid');
    fixed.clock.advance(60_000);
    expect(await codeOf(fixed, key.value)).toBe('expired');
  });

  test('is the only direction unless configured: a later expiry returns 400 and changes nothing', async () => {
    const { acme, token, key } = await withKey(fixed, { expires_in: '30d' });
    const before = await keyRow(fixed.db, key.id);
    for (const [body, field] of [
      [{ expires_in: '31d' }, 'expires_in'],
      [{ expires_in: 'never' }, 'expires_in'],
      [{ expires_at: null }, 'expires_at'],
    ] as const) {
      const refused = await patch(fixed, token, key.id, { label: 'other', ...body });
      expect([outcome(refused), fieldsOf(refused)]).toEqual([[400, 'validation_error'], [field]]);
    }
    expect(await keyRow(fixed.db, key.id)).toEqual(before);
    expect(await endAtWorkos(fixed, acme.id)).toBe(before.expires_at.toISOString());
  });
});

describe('PATCH /v1/api-keys/{id} with a later expiry, where that is configured', () => {
  test('is bounded by the longest lifetime from now, and reaches WorkOS', async () => {
    const { acme, token, key } = await withKey(service, { expires_in: '30d' });
    expect(fieldsOf(await patch(service, token, key.id, { expires_in: '366d' }))).toEqual(['expires_in']);
    expect(fieldsOf(await patch(service, token, key.id, { expires_at: null }))).toEqual(['expires_at']);
    const moved = await patch(service, token, key.id, { expires_in: '1y' });
    expect(moved.body['expires_in_days']).toBe(365);
    expect(await endAtWorkos(service, acme.id)).toBe(moved.body['expires_at']);
    service.clock.advance(31 * DAY_MS);
    expect(await codeOf(service, key.value)).toBe('valid');
  });

  test('can remove the expiry where nothing bounds it', async () => {
    const { acme, token, key } = await withKey(endless, { expires_in: '30d' });
    expect((await patch(endless, token, key.id, { expires_in: 'never' })).body['expires_at']).toBeNull();
    expect(await endAtWorkos(endless, acme.id)).toBeNull();
    expect(await keyRow(endless.db, key.id)).toMatchObject({ due_at: null, workos_expires_at: null });
  });

  test("stays within the organization's plan", async () => {
    const { token } = await organization(service, 'short');
    const key = await createKey(service, token, { expires_in: '7d' });
    expect(fieldsOf(await patch(service, token, key.id, { expires_in: '31d' }))).toEqual(['expires_in']);
    expect((await patch(service, token, key.id, { expires_in: '30d' })).body['expires_in_days']).toBe(30);
  });

  test('returns 400 for an expired, revoked or replaced key', async () => {
    const { acme, token, key } = await withKey(service, { expires_in: '1d' });
    const revoked = await createKey(service, token);
    await call(service, 'DELETE', `/v1/api-keys/${revoked.id}`, { token });
    const replaced = await createKey(service, token);
    const grace = { grace_seconds: 2 * 86_400 };
    await call(service, 'POST', `/v1/api-keys/${replaced.id}/rotate`, { token, body: grace });
    service.clock.advance(DAY_MS);
    const later = await acme.session();
    for (const id of [key.id, revoked.id, replaced.id]) {
      const refused = await patch(service, later, id, { expires_in: '30d' });
      expect([outcome(refused), fieldsOf(refused)]).toEqual([[400, 'validation_error'], ['expires_in']]);
    }
    expect(await codeOf(service, key.value)).toBe('expired');
    // In is in.
    const sooner = new Date(service.clock().getTime() + 60_000).toISOString();
    expect((await patch(service, later, replaced.id, { expires_at: sooner })).status).toBe(200);
  });
});

describe('while WorkOS does not answer', () => {
  test.each([
    ['in', { expires_in: '10d' }],
    ['out', { expires_in: '200d' }],
  ])('an expiry that moves %s applies here, and reaches WorkOS later', async (_way, body) => {
    const { acme, token, key } = await withKey(service, { expires_in: '30d' });
    failAt(service, 'expire', { kind: 'reset_before', times: 0 });
    const moved = await patch(service, token, key.id, body);
    expect(outcome(moved)).toEqual([200, undefined]);
    const end = String(moved.body['expires_at']);
    expect(await endAtWorkos(service, acme.id)).not.toBe(end);
    const row = await keyRow(service.db, key.id);
    expect(row.due_at).not.toBeNull();
    service.workos.faults.clear();
    service.clock.advance(row.due_at.getTime() - service.clock().getTime());
    await service.background.runOnce('settle');
    expect(await endAtWorkos(service, acme.id)).toBe(end);
    expect(await keyRow(service.db, key.id)).toMatchObject({ due_at: null, workos_expires_at: new Date(end) });
  });

  test('an expiry that is removed is removed at WorkOS later', async () => {
    const { acme, token, key } = await withKey(endless, { expires_in: '30d' });
    failAt(endless, 'expire', { kind: 'reset_before', times: 0 });
    await patch(endless, token, key.id, { expires_at: null });
    endless.workos.faults.clear();
    const row = await keyRow(endless.db, key.id);
    endless.clock.advance(row.due_at.getTime() - endless.clock().getTime());
    await endless.background.runOnce('settle');
    expect(await endAtWorkos(endless, acme.id)).toBeNull();
  });
});

describe('a moved expiry and WorkOS', () => {
  test('keeps a key active here until the next reconciliation when it expired at WorkOS before the change arrived', async () => {
    const { acme, token, key } = await withKey(service, { expires_in: '1d' });
    const there = await endAtWorkos(service, acme.id);
    failAt(service, 'expire', { kind: 'reset_before', times: 0 });
    await patch(service, token, key.id, { expires_in: '200d' });
    service.clock.advance(2 * DAY_MS);
    service.workos.faults.clear();
    await service.background.runOnce('settle');
    const row = await keyRow(service.db, key.id);
    expect([row.due_at, row.workos_expires_at.toISOString()]).toEqual([null, there]);
    expect(await codeOf(service, key.value)).toBe('valid');
    await makeTestReconcile(service)({ organizationId: acme.id });
    expect((await keyRow(service.db, key.id)).expires_at.toISOString()).toBe(there);
  });

  test('ignores a late event about an earlier expiry', async () => {
    const { token, key } = await withKey(service, { expires_in: '30d' });
    await patch(service, token, key.id, { expires_in: '20d' });
    service.clock.advance(1_000);
    const moved = await patch(service, token, key.id, { expires_in: '10d' });
    // Its two events are read after both.
    await service.background.runOnce('events');
    expect((await keyRow(service.db, key.id)).expires_at.toISOString()).toBe(moved.body['expires_at']);
    const { body } = await call(service, 'GET', `/v1/audit-events?target_id=${key.id}`, { token });
    expect(body.data.filter(({ action }) => action === 'api_key.expiry_changed')).toEqual([]);
  });

  test('applies a later change at WorkOS', async () => {
    const { token, key } = await withKey(service, { expires_in: '30d' });
    await patch(service, token, key.id, { expires_in: '20d' });
    service.clock.advance(1_000);
    const there = new Date(service.clock().getTime() + 5 * DAY_MS);
    await expireAtWorkos(service, key.id, there);
    await service.background.runOnce('events');
    expect((await keyRow(service.db, key.id)).expires_at).toEqual(there);
  });

  test('leaves one of two simultaneous changes, the same here and at WorkOS', async () => {
    const { acme, token, key } = await withKey(service, { expires_in: '1y' });
    const answers = await Promise.all(
      [10, 20, 30, 40].map((days) => patch(service, token, key.id, { expires_in: `${days}d` })),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    service.clock.advance(60_000);
    await service.background.runOnce('settle');
    const row = await keyRow(service.db, key.id);
    expect(row.due_at).toBeNull();
    expect(await endAtWorkos(service, acme.id)).toBe(row.expires_at.toISOString());
  });
});

describe('PATCH /v1/api-keys/{id}', () => {
  test.each([
    ['both', { expires_in: '30d', expires_at: '2999-01-01T00:00:00Z' }, 'expires_in'],
    ['the past', { expires_at: inDays(-1) }, 'expires_at'],
    ['rubbish', { expires_in: 'soon' }, 'expires_in'],
  ])('returns 400 on the field for %s', async (_what, body, field) => {
    const { token, key } = await withKey(service);
    const refused = await patch(service, token, key.id, body);
    expect([outcome(refused), fieldsOf(refused)]).toEqual([[400, 'validation_error'], [field]]);
  });

  test("returns 404 for a colleague's key and 403 to an API key", async () => {
    const { key } = await withKey(service, { expires_in: '30d' });
    const stranger = await organization(service);
    const before = await keyRow(service.db, key.id);
    expect(outcome(await patch(service, stranger.token, key.id, { expires_in: '1d' }))).toEqual([
      404,
      'api_key_not_found',
    ]);
    expect(outcome(await patch(service, key.value, key.id, { expires_in: '200d' }))).toEqual([
      403,
      'permission_denied',
    ]);
    expect(await keyRow(service.db, key.id)).toEqual(before);
  });
});
