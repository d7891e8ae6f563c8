import { describe, expect, test } from 'vitest';
import { startConsumer, warm } from '../client/consumer.ts';
import { call, createKey, outcome, verifyKey } from '../support/api.ts';
import type { CreatedKey } from '../support/api.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';

const MINUTE = { limit: 3, window_seconds: 60 };
const none = 'none' as const;
const service = await startService(
  {},
  {
    plans: [
      { name: 'default_limits', key_limit: 10 },
      { name: 'three', key_limit: 10, rate_limit: MINUTE, concurrency: none },
      { name: 'ten', key_limit: 10, rate_limit: { limit: 10, window_seconds: 60 }, concurrency: none },
      { name: 'two_at_once', key_limit: 10, rate_limit: none, concurrency: 2 },
      { name: 'shared', key_limit: 10, rate_limit: none, concurrency: none, organization_rate_limit: MINUTE },
    ],
  },
);

const forward = (key: CreatedKey, query = '') =>
  call(service, 'GET', `/v1/auth/forward${query}`, { headers: { 'x-api-key': key.value } });
const codes = async (times: number, body: object) => {
  const answers = [];
  for (let i = 0; i < times; i++) answers.push((await verifyKey(service, body)).body['code']);
  return answers;
};
async function keyOn(plan: string, limits: object = {}) {
  const acme = await service.organizations.add({ status: 'active', plan });
  const token = await acme.session();
  return { acme, token, key: await createKey(service, token, limits) };
}

const lines = () => service.logs.filter((line) => line.includes('"verdict":"rate_limited"'));

describe('POST /v1/api-keys/verify', () => {
  test.each([
    ['a cost below 0', { cost: -1 }, 'cost'],
    ['half a cost', { cost: 0.5 }, 'cost'],
    ['a cost beyond all limits', { cost: 1_000_001 }, 'cost'],
    ['an address that is none', { ip: '1.2.3' }, 'ip'],
    ['an address with a port that is none', { ip: '1.2.3.4:http' }, 'ip'],
    ['a lease that is no answer', { lease: 'yes' }, 'lease'],
  ])('returns 400 for %s', async (_what, more, field) => {
    const answer = await verifyKey(service, { key: 'sk_nobodys_key_but_long_enough', ...more });
    expect(outcome(answer)).toEqual([400, 'validation_error']);
    expect(JSON.stringify(answer.body.error.details)).toContain(field);
  });

  test('logs the verdict of a refused verification, from memory too', async () => {
    const { key } = await keyOn('three');
    await codes(5, { key: key.value });
    await expect.poll(() => lines().length).toBeGreaterThanOrEqual(2);
    expect(JSON.parse(lines().at(-1)!)).toMatchObject({ route: '/v1/api-keys/verify', status: 200, caller: 'service' });
  });
});

describe('POST /v1/leases/{id}/release', () => {
  test.each(['x', 'lease_', 'lease_org_a.key.0', '..%2f', '%00', 'a'.repeat(300)])(
    'returns 400 for the malformed lease id %j',
    async (id) => {
      const answer = await call(service, 'POST', `/v1/leases/${id}/release`, { token: SERVICE_TOKEN });
      expect(outcome(answer)).toEqual([400, 'validation_error']);
    },
  );

  test('lets a machine token release leases of its own organization only', async () => {
    const { acme, token, key } = await keyOn('two_at_once');
    const { id } = (await verifyKey(service, { key: key.value })).body['lease'] as { id: string };
    const path = `/v1/leases/${id}/release`;
    const other = await service.organizations.add();
    const asked = (by: string) => call(service, 'POST', path, { token: by });
    expect(outcome(await asked(await other.machineToken('apikeys:verify')))).toEqual([403, 'permission_denied']);
    expect(outcome(await asked(await acme.machineToken('apikeys:write')))).toEqual([403, 'permission_denied']);
    expect(outcome(await asked(token))).toEqual([403, 'permission_denied']);
    expect(outcome(await asked(key.value))).toEqual([403, 'permission_denied']);
    expect(outcome(await asked(await acme.machineToken('apikeys:verify')))).toEqual([200, undefined]);
  });
});

describe('limits of keys', () => {
  test('are 100 requests a minute and 10 in flight by default', async () => {
    const { key } = await keyOn('default_limits');
    const { body } = await verifyKey(service, { key: key.value });
    expect(body).toMatchObject({
      valid: true,
      rate_limit: { limit: 100, window_seconds: 60, remaining: 99, reset: 60, scope: 'key' },
      lease: { id: expect.stringMatching(/^lease_org_/), expires_at: expect.stringMatching(/Z$/) },
      retry_after: null,
      enforcement: 'local',
    });
    expect(await codes(10, { key: key.value })).toEqual([...Array<string>(9).fill('valid'), 'concurrency_limited']);
  });

  test('return rate_limited beyond the rate, with the wait in body and headers', async () => {
    const { key } = await keyOn('three');
    expect(await codes(3, { key: key.value })).toEqual(['valid', 'valid', 'valid']);
    const { status, body, headers } = await verifyKey(service, { key: key.value });
    expect([status, body]).toMatchObject([
      200,
      {
        valid: false,
        code: 'rate_limited',
        id: key.id,
        rate_limit: { limit: 3, remaining: 0, reset: expect.any(Number) },
        retry_after: expect.any(Number),
      },
    ]);
    const wait = Number(body['retry_after']);
    expect([wait > 50, wait <= 60]).toEqual([true, true]);
    expect(headers.get('retry-after')).toBe(String(wait));
    expect(headers.get('ratelimit-policy')).toBe('"key";q=3;w=60');
    expect(headers.get('ratelimit')).toBe(`"key";r=0;t=${wait}`);
  });

  test('count together for the mirror, memory, a batch, a proxy and own routes', async () => {
    const { key } = await keyOn('ten');
    expect((await verifyKey(service, { key: key.value })).body).toMatchObject({
      source: 'mirror',
      rate_limit: { remaining: 9 },
    });
    expect((await verifyKey(service, { key: key.value })).body).toMatchObject({
      source: 'cache',
      rate_limit: { remaining: 8 },
    });
    const batch = await verifyKey(service, { keys: [{ key: key.value }, { key: key.value }] });
    expect(batch.body.data.map((one) => (one['rate_limit'] as { remaining: number }).remaining)).toEqual([7, 6]);
    expect((await forward(key)).headers.get('ratelimit')).toMatch(/^"key";r=5;/);
    // Not what a proxy usually sends, so that the route itself answers.
    const slow = await call(service, 'GET', '/v1/auth/forward', {
      headers: { authorization: `bearer ${key.value}`, 'x-api-key': key.value },
    });
    expect(slow.headers.get('ratelimit')).toMatch(/^"key";r=4;/);
    const own = await call(service, 'GET', '/v1/organization', { token: key.value });
    expect(own.headers.get('ratelimit')).toMatch(/^"key";r=3;/);
  });

  test('return 429 to a proxy and on own routes, or 403 to a proxy with map=403', async () => {
    const { key } = await keyOn('three');
    await codes(3, { key: key.value });
    for (const answer of [await forward(key), await call(service, 'GET', '/v1/organization', { token: key.value })]) {
      expect(outcome(answer)).toEqual([429, 'rate_limited']);
      const wait = Number(answer.headers.get('retry-after'));
      expect(answer.body.error.details).toEqual({
        retry_after: wait,
        limit: 3,
        window_seconds: 60,
        scope: 'key',
        enforcement: 'local',
      });
      expect(answer.headers.get('ratelimit')).toBe(`"key";r=0;t=${wait}`);
    }
    expect(outcome(await forward(key, '?map=403'))).toEqual([403, 'rate_limited']);
    expect(outcome(await forward(key, '?map=403&scope=caps:write'))).toEqual([403, 'rate_limited']);
  });

  test('count refused requests of a usable key, and none of an expired one', async () => {
    const { key, token } = await keyOn('three');
    expect(await codes(2, { key: key.value, scopes: ['caps:write'] })).toEqual(Array(2).fill('insufficient_scope'));
    expect(await codes(2, { key: key.value })).toEqual(['valid', 'rate_limited']);
    await call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token });
    expect(await codes(2, { key: key.value })).toEqual(['revoked', 'revoked']);
  });

  test('count the cost of a request, nothing of a refused one, and nothing for a cost of 0', async () => {
    const { key } = await keyOn('three');
    expect((await verifyKey(service, { key: key.value, cost: 2 })).body).toMatchObject({
      valid: true,
      rate_limit: { remaining: 1 },
    });
    expect((await verifyKey(service, { key: key.value, cost: 2 })).body).toMatchObject({
      code: 'rate_limited',
      rate_limit: { remaining: 1 },
    });
    expect((await verifyKey(service, { key: key.value, cost: 0 })).body).toMatchObject({
      valid: true,
      rate_limit: { remaining: 1 },
    });
    expect(await codes(2, { key: key.value })).toEqual(['valid', 'rate_limited']);
  });

  test('lease a concurrency slot to each valid verification until it is released', async () => {
    const { key } = await keyOn('two_at_once');
    const first = (await verifyKey(service, { key: key.value })).body;
    expect(await codes(2, { key: key.value })).toEqual(['valid', 'concurrency_limited']);
    expect((await verifyKey(service, { key: key.value })).body).toMatchObject({
      code: 'concurrency_limited',
      lease: null,
      rate_limit: null,
      retry_after: 1,
    });
    expect((await verifyKey(service, { key: key.value, lease: false })).body).toMatchObject({
      code: 'valid',
      lease: null,
    });
    expect((await verifyKey(service, { key: key.value, scopes: ['caps:write'] })).body).toMatchObject({
      code: 'insufficient_scope',
    });
    const { id } = first['lease'] as { id: string };
    const release = () => call(service, 'POST', `/v1/leases/${id}/release`, { token: SERVICE_TOKEN });
    expect((await release()).body).toEqual({ status: 'released' });
    expect((await release()).body).toEqual({ status: 'released' });
    expect(await codes(2, { key: key.value })).toEqual(['valid', 'concurrency_limited']);
  });

  test('share the rate of an organization among its keys only', async () => {
    const { acme, key } = await keyOn('shared');
    const other = await createKey(service, await acme.session());
    expect(await codes(2, { key: key.value })).toEqual(['valid', 'valid']);
    expect((await verifyKey(service, { key: other.value })).body).toMatchObject({
      valid: true,
      rate_limit: { scope: 'organization', limit: 3, remaining: 0 },
    });
    expect(await codes(1, { key: other.value })).toEqual(['rate_limited']);
    expect(await codes(1, { key: (await keyOn('shared')).key.value })).toEqual(['valid']);
  });

  test('follow changes of the key and of its plan at once', async () => {
    const { acme, token, key } = await keyOn('ten', { rate_limit: { limit: 2, window_seconds: 60 } });
    expect(await codes(3, { key: key.value })).toEqual(['valid', 'valid', 'rate_limited']);
    const body = { rate_limit: { limit: 5, window_seconds: 60 } };
    expect((await call(service, 'PATCH', `/v1/api-keys/${key.id}`, { token, body })).status).toBe(200);
    expect((await verifyKey(service, { key: key.value })).body).toMatchObject({
      rate_limit: { limit: 5, remaining: 2 },
    });
    const path = `/v1/organizations/${acme.id}/billing`;
    await call(service, 'PUT', path, { token: SERVICE_TOKEN, body: { status: 'active', plan: 'three' } });
    expect((await verifyKey(service, { key: key.value, cost: 0 })).body).toMatchObject({
      rate_limit: { limit: 3, remaining: 0 },
    });
  });

  test('apply and lift the concurrency and organization rate of another plan at once', async () => {
    const { acme, key } = await keyOn('standard');
    const consumer = await startConsumer(service);
    await warm(consumer, key.value);
    const change = (plan: string) =>
      call(service, 'PUT', `/v1/organizations/${acme.id}/billing`, {
        token: SERVICE_TOKEN,
        body: { status: 'active', plan },
      });
    expect(await codes(4, { key: key.value })).toEqual(['valid', 'valid', 'valid', 'valid']);
    await change('two_at_once');
    expect(await codes(3, { key: key.value })).toEqual(['valid', 'valid', 'concurrency_limited']);
    await change('shared');
    expect(await codes(4, { key: key.value })).toEqual(['valid', 'valid', 'valid', 'rate_limited']);
    // It kept the key while nothing bounded its use.
    await expect.poll(async () => (await consumer.ask(key.value)).status, { interval: 5 }).toBe(429);
    await change('standard');
    expect(await codes(4, { key: key.value })).toEqual(['valid', 'valid', 'valid', 'valid']);
    await expect.poll(async () => (await consumer.ask(key.value)).status, { interval: 5 }).toBe(200);
  });
});
