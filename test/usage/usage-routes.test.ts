import { describe, expect, test } from 'vitest';
import { call, createKey, outcome, verifyKey } from '../support/api.ts';
import type { CreatedKey } from '../support/api.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';
import { statementsOf } from './gather.ts';

const service = await startService();
const HOUR = 3_600_000;

const flush = () => service.background.runOnce('flush_usage');
const hoursAgo = (n: number) => new Date(Math.floor(service.clock().getTime() / HOUR) * HOUR - n * HOUR);

async function makeTenant() {
  const acme = await service.organizations.add();
  const owner = await acme.session();
  const read = async (path: string, token = owner) => (await call(service, 'GET', path, { token })).body;
  return { ...acme, owner, read, usageOf: (id: string, query = '') => read(`/v1/api-keys/${id}/usage${query}`) };
}

function insertUse({ id }: Pick<CreatedKey, 'id'>, organizationId: string, hour: Date, count: number, code = 'valid') {
  return service.db('usage_counts').insert({ organization_id: organizationId, key_id: id, hour, code, count });
}

describe('GET /v1/api-keys/{id}/usage and /v1/organization/usage', () => {
  test('returns verifications by outcome, and the last valid one', async () => {
    const acme = await makeTenant();
    const key = await createKey(service, acme.owner);
    const began = service.clock().getTime();
    await verifyKey(service, { key: key.value, ip: '203.0.113.7', user_agent: 'python-requests/2.32' });
    for (let i = 0; i < 3; i++) await verifyKey(service, { key: key.value, scopes: ['billing:write'] });
    await call(service, 'GET', '/v1/me/session', { token: key.value, headers: { 'user-agent': 'curl/8.5.0' } });
    await flush();
    const usage = await acme.usageOf(key.id);
    expect(usage).toMatchObject({
      from: hoursAgo(23).toISOString(),
      to: hoursAgo(-1).toISOString(),
      interval: 'hour',
      total: 5,
      codes: { valid: 2, insufficient_scope: 3 },
      last_used_ip: '127.0.0.1',
      last_used_agent: 'curl',
    });
    expect(usage.data).toHaveLength(24);
    expect(usage.data.at(-1)).toEqual({
      start: hoursAgo(0).toISOString(),
      total: 5,
      codes: { valid: 2, insufficient_scope: 3 },
    });
    expect(usage.data[0]).toEqual({ start: hoursAgo(23).toISOString(), total: 0, codes: {} });
    expect(Date.parse(String(usage['last_used_at']))).toBeGreaterThanOrEqual(began);
  });

  test('writes nothing for a verification until the flush', async () => {
    const acme = await makeTenant();
    const key = await createKey(service, acme.owner);
    const first = await statementsOf(service.db, () => verifyKey(service, { key: key.value }));
    expect(first.filter((sql) => !/^select\b/i.test(sql))).toEqual([]);
    const warm = await statementsOf(service.db, async () => {
      for (let i = 0; i < 50; i++) await verifyKey(service, { key: key.value });
      await verifyKey(service, { key: key.value, scopes: ['no:such'] });
    });
    expect(warm).toEqual([]);
    await flush();
    expect(await acme.usageOf(key.id)).toMatchObject({ codes: { valid: 51, insufficient_scope: 1 } });
  });

  test('omits unflushed uses', async () => {
    const acme = await makeTenant();
    const key = await createKey(service, acme.owner);
    await verifyKey(service, { key: key.value });
    expect(await acme.usageOf(key.id)).toMatchObject({ total: 0, last_used_at: null });
    const metric = async () => (await fetch(`${service.url}/metrics`)).text();
    expect(await metric()).toMatch(/^latchkey_usage_unwritten\{state="waiting"\} [1-9]/m);
    await flush();
    expect(await metric()).toMatch(/^latchkey_usage_unwritten\{state="waiting"\} 0$/m);
    expect(await metric()).toMatch(/^latchkey_usage_dropped_total 0$/m);
  });

  test('returns the uses of a revoked key', async () => {
    const acme = await makeTenant();
    const key = await createKey(service, acme.owner);
    await call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token: acme.owner });
    await verifyKey(service, { key: key.value });
    await flush();
    expect(await acme.usageOf(key.id)).toMatchObject({ codes: { revoked: 1 }, last_used_at: null });
  });

  test('adds hours up to days in UTC', async () => {
    const acme = await makeTenant();
    const key = await createKey(service, acme.owner);
    for (const hour of ['2026-03-01T00:00Z', '2026-03-01T23:00Z', '2026-03-02T00:00Z']) {
      await insertUse(key, acme.id, new Date(hour), 10);
      await insertUse(key, acme.id, new Date(hour), 1, 'expired');
    }
    const query = '?interval=day&from=2026-03-01T00:00:00Z&to=2026-03-03T00:00:00Z';
    expect(await acme.usageOf(key.id, query)).toMatchObject({
      data: [
        { start: '2026-03-01T00:00:00.000Z', total: 22, codes: { valid: 20, expired: 2 } },
        { start: '2026-03-02T00:00:00.000Z', total: 11, codes: { valid: 10, expired: 1 } },
      ],
      total: 33,
      codes: { valid: 30, expired: 3 },
    });
    const part = '?from=2026-03-01T23:30:00Z&to=2026-03-02T00:00:00Z';
    expect(await acme.usageOf(key.id, part)).toMatchObject({
      total: 11,
      data: [{ start: '2026-03-01T23:00:00.000Z' }],
    });
  });

  test('returns the usage of all keys of an organization, with the ten busiest', async () => {
    const acme = await makeTenant();
    const other = await makeTenant();
    const key = await createKey(service, acme.owner);
    await verifyKey(service, { key: key.value });
    await flush();
    for (let n = 1; n <= 11; n++) await insertUse({ id: `api_key_${n}` }, acme.id, hoursAgo(2), n * 10);
    await insertUse({ id: 'api_key_old' }, acme.id, hoursAgo(30), 9_999);
    await insertUse({ id: 'api_key_1' }, other.id, hoursAgo(2), 5);
    const usage = await acme.read('/v1/organization/usage');
    expect(usage).toMatchObject({ total: 661, codes: { valid: 661 } });
    const keys = usage['keys'] as { id: string; total: number; last_used_at: string | null }[];
    expect(keys.map(({ id, total }) => [id, total])).toEqual(
      Array.from({ length: 10 }, (_, i) => [`api_key_${11 - i}`, (11 - i) * 10]),
    );
    expect((await acme.read('/v1/organization/usage?interval=day'))['keys']).toMatchObject([
      { id: 'api_key_old', total: 9_999, last_used_at: null },
      ...keys.slice(0, 9),
    ]);
    expect(await other.read('/v1/organization/usage')).toMatchObject({ total: 5 });
  });

  test('shows the last use of keys, in lists and one by one', async () => {
    const acme = await makeTenant();
    const [used, unused] = [await createKey(service, acme.owner), await createKey(service, acme.owner)];
    expect(used).toMatchObject({ last_used_at: null });
    await verifyKey(service, { key: used.value });
    await flush();
    const time = (await acme.usageOf(used.id))['last_used_at'];
    expect(time).toMatch(/^20.*Z$/);
    const statements = await statementsOf(service.db, async () => {
      const { data } = await acme.read('/v1/api-keys');
      expect(data.map(({ id, last_used_at }) => [id, last_used_at])).toEqual([
        [unused.id, null],
        [used.id, time],
      ]);
    });
    expect(statements.filter((sql) => sql.includes('key_last_uses'))).toHaveLength(1);
    expect(await acme.read(`/v1/api-keys/${used.id}`)).toMatchObject({ last_used_at: time });
    const change = { token: acme.owner, body: { label: 'renamed' } };
    expect((await call(service, 'PATCH', `/v1/api-keys/${used.id}`, change)).body).toMatchObject({
      last_used_at: time,
    });
    const rotated = await call(service, 'POST', `/v1/api-keys/${used.id}/rotate`, { token: acme.owner, body: {} });
    expect(rotated.body).toMatchObject({ last_used_at: null });
  });

  test.each(['/v1/organization/usage', '/v1/api-keys/ID/usage'])(
    '%s returns 400 for an invalid range',
    async (pattern) => {
      const acme = await makeTenant();
      const path = pattern.replace('ID', (await createKey(service, acme.owner)).id);
      for (const [query, field] of [
        ['?from=yesterday', 'from'],
        ['?to=2026-13-01T00:00:00Z', 'to'],
        ['?from=2026-11-01', 'from'],
        ['?interval=minute', 'interval'],
        ['?from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z', 'from'],
        ['?from=2020-01-01T00:00:00Z', 'from'],
        ['?from=2020-01-01T00:00:00Z&interval=day', 'from'],
        ['?group_by=key', 'group_by'],
        ['?from=2026-03-01T00:00:00Z&from=2026-03-01T00:00:00Z', 'from'],
      ]) {
        const answer = await call(service, 'GET', path + query!, { token: acme.owner });
        expect(outcome(answer)).toEqual([400, 'validation_error']);
        expect(Object.keys(answer.body.error.details?.['fields'] ?? {})).toEqual([field]);
      }
    },
  );

  test('allows callers who may read keys, in every posture, and no others', async () => {
    const initech = await service.organizations.add({ status: 'past_due' });
    const path = '/v1/organization/usage';
    const ask = async (token: string) => outcome(await call(service, 'GET', path, { token }));
    expect(await ask(await initech.session('operator'))).toEqual([200, undefined]);
    expect(await ask(await initech.machineToken('apikeys:write'))).toEqual([200, undefined]);
    for (const token of [await initech.session('member'), await initech.machineToken('audit:read'), SERVICE_TOKEN]) {
      expect(await ask(token)).toEqual([403, 'permission_denied']);
    }
  });

  test.each(['api_key_nothing', '%00', "'", 'x'.repeat(900)])('returns 404 for the key %s', async (id) => {
    const acme = await makeTenant();
    const answer = await call(service, 'GET', `/v1/api-keys/${id}/usage`, { token: acme.owner });
    expect(outcome(answer)).toEqual([404, 'api_key_not_found']);
  });

  test('returns 404 for a key of another organization', async () => {
    const [acme, other] = [await makeTenant(), await makeTenant()];
    const key = await createKey(service, other.owner);
    await verifyKey(service, { key: key.value });
    await flush();
    const answer = await call(service, 'GET', `/v1/api-keys/${key.id}/usage`, { token: acme.owner });
    expect(outcome(answer)).toEqual([404, 'api_key_not_found']);
    expect(await acme.read('/v1/organization/usage')).toMatchObject({ total: 0, keys: [] });
  });
});
