import { beforeAll, describe, expect, test } from 'vitest';
import { startProductApi } from './product-api.ts';
import { startWorld } from './world.ts';
import type { Role } from './world.ts';

// Written from the product's public page alone, as one of its readers would use it. The page links another for the paths of
// evaluations; those here are made up. Its eval tasks, ten at a time, are in mixus.test.ts.
const world = await startWorld('mixus');
const api = await startProductApi(world.service, {
  'POST /evals': { scopes: ['eval:create'] },
  'GET /evals': { scopes: ['eval:read'] },
  'PATCH /evals': { scopes: ['eval:manage'] },
  'DELETE /evals': { scopes: ['eval:manage'] },
});
let acme = await world.company();

type Method = 'POST' | 'GET' | 'PATCH' | 'DELETE';
const METHODS: readonly Method[] = ['POST', 'GET', 'PATCH', 'DELETE'];
const RATE_LIMIT = 100;

const send = (method: Method, authorization: string) => api.send(method, '/evals', { authorization });
const status = async (key: string, method: Method = 'GET') => (await send(method, `Bearer ${key}`)).status;
const generate = (body: object = {}, role: Role = 'owner') =>
  acme.key({ label: 'Production Eval Key', scopes: ['eval:read'], ...body }, role);

describe('Generating your first API key', () => {
  test('Name, Description, Permissions and Expiration', async () => {
    const details = { label: 'Production Eval Key', description: 'What runs at night', scopes: ['eval:create'] };
    const key = await generate({ ...details, expires_in: '30d' });
    expect(key).toMatchObject({ ...details, expires_in_days: 30 });
    expect(await status(key.value, 'POST')).toBe(200);
    world.passDays(30.1);
    expect(await status(key.value, 'POST')).toBe(401);
  });

  test('every person who signs in generates keys of their own', async () => {
    for (const role of ['owner', 'operator', 'member'] as const)
      expect(await generate({}, role)).toMatchObject({ owner: { id: acme.userId(role) } });
  });

  test('the key is shown only once', async () => {
    const { id, value } = await generate();
    const later = JSON.stringify([await acme.shown(id), (await acme.ask('GET', '/v1/api-keys')).body]);
    expect(later).toContain(id);
    expect(later).not.toContain(value);
  });
});

describe('Available scopes', () => {
  test.each([
    ['eval:create', [200, 403, 403, 403]],
    ['eval:read', [403, 200, 403, 403]],
    ['eval:manage', [200, 200, 200, 200]],
  ])('%s creates, reads, updates and deletes as the table says', async (scope, statuses) => {
    const { value } = await generate({ scopes: [scope] });
    expect(await Promise.all(METHODS.map((method) => status(value, method)))).toEqual(statuses);
  });
});

describe('Limitations', () => {
  test('Maximum keys: 10 active keys per user', async () => {
    const globex = await world.company();
    const body = { label: 'Production Eval Key', scopes: ['eval:read'] };
    const keys = [];
    for (let i = 0; i < 10; i++) keys.push(await globex.key(body, 'operator'));
    expect((await globex.ask('POST', '/v1/api-keys', body, 'operator')).status).toBe(409);
    await globex.key(body, 'owner');
    await globex.ask('DELETE', `/v1/api-keys/${keys[0]!.id}`, undefined, 'operator');
    await globex.key(body, 'operator');
  });

  test('Rate limit: 100 requests per minute per key', async () => {
    const [busy, other] = [await generate(), await generate()];
    for (let i = 0; i < RATE_LIMIT; i++) expect(await status(busy.value)).toBe(200);
    const { status: refused, headers } = await send('GET', `Bearer ${busy.value}`);
    expect(refused).toBe(429);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(60);
    expect(await status(other.value)).toBe(200);
  });

  test('Key length: 41 characters, mxs_eval_ and 32 more', async () => {
    const { value } = await generate();
    expect(value).toMatch(/^mxs_eval_[0-9A-Za-z]{32}$/);
    expect(value).toHaveLength(41);
  });
});

describe('Managing your keys', () => {
  test('View active keys: all of them, with usage statistics, last used date and expiration status', async () => {
    const { id, value } = await generate({ expires_in: '30d' }, 'member');
    expect(await acme.shown(id, 'member')).toMatchObject({ last_used_at: null, status: 'active', expires_in_days: 30 });
    expect([await status(value), await status(`${value.slice(0, -1)} `)]).toEqual([200, 401]);
    await world.service.background.runOnce('flush_usage');
    expect(await acme.shown(id, 'member')).toMatchObject({ last_used_at: expect.stringMatching(/^\d{4}-/) });
    const { body: usage } = await acme.ask('GET', `/v1/api-keys/${id}/usage`, undefined, 'member');
    expect(usage).toMatchObject({ total: 1, codes: { valid: 1 } });
    const { body } = await acme.ask('GET', '/v1/api-keys?status=active', undefined, 'member');
    expect(body.data.map((key) => key['id'])).toContain(id);
  });

  test('Revoke a key: it stops at once, and the list of active keys has it no more', async () => {
    const { id, value } = await generate();
    expect(await status(value)).toBe(200);
    expect((await acme.ask('DELETE', `/v1/api-keys/${id}`)).status).toBe(200);
    await expect.poll(() => status(value), { interval: 5 }).toBe(401);
    const { body } = await acme.ask('GET', '/v1/api-keys?status=active');
    expect(body.data.map((key) => key['id'])).not.toContain(id);
  });
});

describe('Troubleshooting', () => {
  // Each person has ten keys at most.
  beforeAll(async () => {
    acme = await world.company();
  });

  test('401 Unauthorized for an incorrect, expired or revoked key', async () => {
    const [expired, revoked] = [await generate({ expires_in: '1d' }), await generate()];
    await acme.ask('DELETE', `/v1/api-keys/${revoked.id}`);
    world.passDays(1.1);
    const incorrect = `mxs_eval_${'a'.repeat(32)}`;
    for (const value of [incorrect, expired.value, revoked.value]) expect(await status(value)).toBe(401);
  });

  test('403 Access Denied for the wrong scope; a new key with the correct scope works', async () => {
    const [wrong, right] = [await generate(), await generate({ scopes: ['eval:create'] })];
    expect([await status(wrong.value, 'POST'), await status(right.value, 'POST')]).toEqual([403, 200]);
  });

  test('a newly generated key works at once, without a wait of 5 to 10 seconds', async () => {
    for (let i = 0; i < 5; i++) expect(await status((await generate({}, 'operator')).value)).toBe(200);
  });

  test('401 for a part of the key, extra spaces in it, and another form than Bearer', async () => {
    const { value } = await generate();
    const wrong = [value.slice(0, -1), `${value.slice(0, 20)} ${value.slice(20)}`].map((key) => `Bearer ${key}`);
    for (const authorization of [...wrong, value, `Basic ${value}`, `Token ${value}`])
      expect((await send('GET', authorization)).status).toBe(401);
    expect((await api.send('GET', '/evals')).status).toBe(401);
  });
});
