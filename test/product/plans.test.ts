import { describe, expect, test } from 'vitest';
import { call, createKey, outcome, requestKey } from '../support/api.ts';
import type { Answer } from '../support/api.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';
import { keysAtWorkos } from '../support/workos-keys.ts';

const DAY_MS = 86_400_000;
const service = await startService(
  {},
  {
    plans: [
      { name: 'reader', key_limit: 2, allowed_permission_sets: ['read_only'], rate_limit: 'none' },
      { name: 'short', key_limit: 10, max_expiry_days: 30, rate_limit: 'none' },
      { name: 'both', key_limit: 10, max_expiry_days: 30, allowed_permission_sets: ['read_only'], concurrency: 5 },
    ],
  },
);

const inDays = (days: number) => new Date(service.clock().getTime() + days * DAY_MS).toISOString();
const on = async (plan: string) => service.organizations.add({ status: 'active', plan });
async function allowedOn(plan: string) {
  const token = await (await on(plan)).session();
  const { body } = await call(service, 'GET', '/v1/permission-sets', { token });
  return body.data.filter((set) => set['allowed'] === true).map(({ name }) => name);
}
const rotate = (token: string, id: string) =>
  call(service, 'POST', `/v1/api-keys/${id}/rotate`, { token, body: { grace_seconds: 60 } });
const codeOf = async (key: string) =>
  (await call(service, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body: { key } })).body['code'];
const changePlan = (id: string, plan: string) =>
  call(service, 'PUT', `/v1/organizations/${id}/billing`, { token: SERVICE_TOKEN, body: { status: 'active', plan } });
const fieldsOf = ({ body }: Answer) => Object.keys(body.error.details?.['fields'] as object);
/** Days from now, as near as a test that takes its time can say. */
const daysUntil = (time: unknown) => (Date.parse(String(time)) - service.clock().getTime()) / DAY_MS;

describe('POST /v1/api-keys on a plan', () => {
  test('returns 400 for a set that the plan does not include, without a call to WorkOS', async () => {
    const acme = await on('reader');
    const owner = await acme.session();
    const refused = await requestKey(service, owner, { permission_set: 'full_access' });
    expect(outcome(refused)).toEqual([400, 'validation_error']);
    expect(fieldsOf(refused)).toEqual(['permission_set']);
    expect(await keysAtWorkos(service, acme.id)).toEqual([]);
    expect(outcome(await requestKey(service, owner))).toEqual([201, undefined]);
  });
});

describe('GET /v1/permission-sets', () => {
  test('shows which sets the plan includes', async () => {
    expect(await allowedOn('reader')).toEqual(['read_only']);
    expect(await allowedOn('standard')).toEqual(['full_access', 'submit_observe', 'read_only']);
  });
});

describe('POST /v1/api-keys on a plan with a longest lifetime', () => {
  test("returns 400 for an expiry beyond the plan's longest, and for none", async () => {
    const owner = await (await on('short')).session();
    for (const expires_at of [inDays(31), null]) {
      const refused = await requestKey(service, owner, { expires_at });
      expect([outcome(refused), fieldsOf(refused)]).toEqual([[400, 'validation_error'], ['expires_at']]);
    }
    expect((await requestKey(service, owner, { expires_at: inDays(30) })).status).toBe(201);
  });

  test("applies the plan's longest lifetime by default, here and at WorkOS", async () => {
    const acme = await on('short');
    const key = await requestKey(service, await acme.session());
    expect(daysUntil(key.body['expires_at'])).toBeCloseTo(30, 2);
    const [there] = await keysAtWorkos(service, acme.id);
    expect(there?.expires_at).toBe(key.body['expires_at']);
    const free = await (await on('standard')).session();
    expect((await requestKey(service, free)).body['expires_at']).toBeNull();
    expect((await requestKey(service, free, { expires_at: null })).body['expires_at']).toBeNull();
  });

  test('reports everything that the plan does not include at once', async () => {
    const owner = await (await on('both')).session();
    const refused = await requestKey(service, owner, {
      permission_set: 'full_access',
      expires_at: inDays(365),
      concurrency: 6,
    });
    expect(fieldsOf(refused).toSorted()).toEqual(['concurrency', 'expires_at', 'permission_set']);
  });
});

describe('a change of plan', () => {
  test('applies a new plan to new keys and rotations, and leaves existing keys alone', async () => {
    const acme = await on('standard');
    const owner = await acme.session();
    const full = await createKey(service, owner, { permission_set: 'full_access' });
    const endless = await createKey(service, owner);
    await changePlan(acme.id, 'both');
    const { body } = await call(service, 'GET', '/v1/api-keys', { token: owner });
    expect(body.data).toMatchObject([
      { id: endless.id, status: 'active', expires_at: null },
      { id: full.id, status: 'active', permission_set: 'full_access', expires_at: null },
    ]);
    expect([await codeOf(full.value), await codeOf(endless.value)]).toEqual(['valid', 'valid']);
    const refused = await rotate(owner, full.id);
    expect([outcome(refused), fieldsOf(refused)]).toEqual([[400, 'validation_error'], ['id']]);
    const successor = await rotate(owner, endless.id);
    expect(daysUntil(successor.body['expires_at'])).toBeCloseTo(30, 2);
    expect(outcome(await call(service, 'DELETE', `/v1/api-keys/${full.id}`, { token: owner }))).toEqual([
      200,
      undefined,
    ]);
  });

  test("gives the successor an expiry that is sooner than the plan's longest", async () => {
    const owner = await (await on('short')).session();
    const expiresAt = inDays(7);
    const key = await createKey(service, owner, { expires_at: expiresAt });
    expect((await rotate(owner, key.id)).body).toMatchObject({ expires_at: expiresAt });
  });

  test('keeps the keys of an organization over its new limit, refuses new ones and allows rotations', async () => {
    const acme = await on('standard');
    const owner = await acme.session();
    const keys = [];
    for (let i = 0; i < 3; i++) keys.push(await createKey(service, owner));
    await changePlan(acme.id, 'reader');
    expect((await call(service, 'GET', '/v1/organization', { token: owner })).body).toMatchObject({
      plan: 'reader',
      limits: { api_keys: 2 },
      usage: { api_keys: 3 },
    });
    for (const { value } of keys) expect(await codeOf(value)).toBe('valid');
    expect(outcome(await requestKey(service, owner))).toEqual([409, 'key_limit_reached']);
    expect((await rotate(owner, keys[0]!.id)).status).toBe(201);
    for (const { id } of keys.slice(1)) await call(service, 'DELETE', `/v1/api-keys/${id}`, { token: owner });
    expect((await requestKey(service, owner)).status).toBe(201);
  });

  test('returns 400 for the rotation of a key without a set on a plan that names sets', async () => {
    const acme = await on('reader');
    const owner = await acme.session();
    const key = await createKey(service, owner);
    await service.db('api_keys').where({ organization_id: acme.id }).update({ permission_set: null });
    expect(fieldsOf(await rotate(owner, key.id))).toEqual(['id']);
    await changePlan(acme.id, 'standard');
    expect((await rotate(owner, key.id)).status).toBe(201);
  });
});
