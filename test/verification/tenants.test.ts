import { describe, expect, test } from 'vitest';
import { call, createKey, outcome, verifyKey } from '../support/api.ts';
import { makeDashboardKey } from '../support/at-workos.ts';
import { listenToInvalidations } from '../support/event-stream.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';
import { keysAtWorkos, workosRequests } from '../support/workos-keys.ts';

const FAILURES = 50;
const QUESTIONS = 60;
const CHANGES = 5;
const service = await startService({
  LATCHKEY_FAILED_CREDENTIALS_PER_MINUTE: `${FAILURES}`,
  WORKOS_UNEXPECTED_KEYS_PER_MINUTE: `${QUESTIONS}`,
  LATCHKEY_KEY_CHANGES_PER_MINUTE: `${CHANGES}`,
  LATCHKEY_STREAMS: '10',
  LATCHKEY_STREAMS_PER_ORGANIZATION: '3',
  TRUST_PROXY: '1',
});

const newTenant = async () => {
  const organization = await service.organizations.add({ status: 'active', plan: 'scale' });
  return { ...organization, token: await organization.machineToken('apikeys:verify') };
};
let guesses = 0;
const guess = () => `sk_nobodys_key_but_long_enough_${guesses++}`;
const guessesFrom = (ipOf: (i: number) => string, count = 100) =>
  Array.from({ length: count }, (_, i) => ({ key: guess(), ip: ipOf(i) }));
const open = async (token: string) => (await listenToInvalidations(service, token)).status;
const metric = async (line: string) => {
  const text = await (await fetch(`${service.url}/metrics`)).text();
  return Number(new RegExp(`^${line} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
};

describe('POST /v1/api-keys/verify by machine tokens', () => {
  test('does not count guesses of a tenant against the address that it names', async () => {
    const [attacker, victim] = [await newTenant(), await newTenant()];
    const address = '203.0.113.77';
    for (let i = 0; i < 4; i++) await verifyKey(service, { keys: guessesFrom(() => address) }, attacker.token);
    const fresh = await createKey(service, await victim.session());
    const headers = { 'x-api-key': fresh.value, 'x-forwarded-for': address };
    for (const path of ['/v1/auth/forward', '/v1/me/session'])
      expect(outcome(await call(service, 'GET', path, { headers }))).toEqual([200, undefined]);
    const { body } = await verifyKey(service, { key: guess(), ip: address });
    expect(body).toMatchObject({ code: 'not_found' });
  });

  test('returns rate_limited to a tenant over its limit, and still verifies its keys', async () => {
    const tenant = await newTenant();
    const codes: unknown[] = [];
    for (let i = 0; i < 2; i++) {
      const { body } = await verifyKey(service, { keys: guessesFrom((n) => `192.0.2.${n}`) }, tenant.token);
      codes.push(...body.data.map(({ code }) => code));
    }
    expect(new Set(codes.slice(FAILURES))).toContain('rate_limited');
    expect(codes.filter((code) => code !== 'rate_limited').length).toBeLessThanOrEqual(FAILURES);
    const fresh = await createKey(service, await tenant.session());
    expect((await verifyKey(service, { key: fresh.value, ip: '192.0.2.1' }, tenant.token)).body).toMatchObject({
      code: 'valid',
    });
  });

  test('returns 503 and never not_found while the budget of questions is used up', async () => {
    const tenant = await newTenant();
    // As many as an address may ask about in a minute.
    await verifyKey(service, { keys: Array.from({ length: QUESTIONS }, () => ({ key: guess() })) });
    const known = await createKey(service, await tenant.session());
    const unknown = await makeDashboardKey(service, tenant.id);
    const one = await verifyKey(service, { key: unknown.value });
    expect(outcome(one)).toEqual([503, 'workos_unavailable']);
    expect(Number(one.headers.get('retry-after'))).toBeGreaterThan(0);
    const many = await verifyKey(service, { keys: [{ key: known.value }, { key: unknown.value }] });
    expect(many.body.data).toMatchObject([
      { code: 'valid', retry_after: null },
      { code: 'workos_unavailable', valid: false, id: null, retry_after: expect.any(Number) },
    ]);
    for (const path of ['/v1/auth/forward', '/v1/me/session'])
      expect(outcome(await call(service, 'GET', path, { token: unknown.value }))).toEqual([503, 'workos_unavailable']);
    // Once an event of WorkOS has announced it, the key is expected.
    await service.background.runOnce('events');
    expect((await verifyKey(service, { key: unknown.value })).body).toMatchObject({ code: 'valid' });
  });
});

describe('GET /v1/invalidations by machine tokens', () => {
  test('leaves streams to other tenants and to services', async () => {
    const tenants = [await newTenant(), await newTenant(), await newTenant()];
    const [first, second, third] = tenants.map(({ token }) => token) as [string, string, string];
    for (let i = 0; i < 3; i++) expect(await open(first)).toBe(200);
    expect(await open(first)).toBe(429);
    expect(await open(second)).toBe(200);
    expect(await open(second)).toBe(200);
    // Half of all is for services, however many tenants there are.
    expect(await open(third)).toBe(429);
    for (let i = 0; i < 5; i++) expect(await open(SERVICE_TOKEN)).toBe(200);
    expect(await open(SERVICE_TOKEN)).toBe(429);
    expect(await metric('latchkey_budget_total{budget="streams",outcome="refused"}')).toBe(3);
  });
});

describe('POST /v1/api-keys', () => {
  test('limits a tenant that changes keys without end to its share of WorkOS, and lets it revoke', async () => {
    const [busy, other] = [await newTenant(), await newTenant()];
    const owner = await busy.session();
    const made = [];
    for (let i = 0; i < CHANGES; i++) made.push(await createKey(service, owner));
    const body = { label: 'one more', permission_set: 'read_only' };
    const refused = await call(service, 'POST', '/v1/api-keys', { token: owner, body });
    expect(outcome(refused)).toEqual([429, 'rate_limited']);
    expect(refused.body.error.details).toMatchObject({ limit: CHANGES, window_seconds: 60, scope: 'organization' });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    const rotate = await call(service, 'POST', `/v1/api-keys/${made[0]!.id}/rotate`, { token: owner, body: {} });
    expect(outcome(rotate)).toEqual([429, 'rate_limited']);
    await createKey(service, await other.session());
    const before = workosRequests(service, 'DELETE', '/api_keys/:id');
    for (const { id, value } of made) {
      expect((await call(service, 'DELETE', `/v1/api-keys/${id}`, { token: owner })).status).toBe(200);
      expect((await verifyKey(service, { key: value })).body).toMatchObject({ code: 'revoked' });
    }
    expect(workosRequests(service, 'DELETE', '/api_keys/:id')).toBe(before);
    expect(await keysAtWorkos(service, busy.id)).toHaveLength(CHANGES);
    const due = await service.db('api_keys').where({ organization_id: busy.id }).orderBy('due_at').pluck('due_at');
    const gaps = due.slice(1).map((at: Date, i) => at.getTime() - (due[i] as Date).getTime());
    for (const gap of gaps) expect(gap).toBeGreaterThan(10_000);
    service.clock.advance(120_000);
    await service.background.runOnce('settle');
    expect(await keysAtWorkos(service, busy.id)).toEqual([]);
  });
});
