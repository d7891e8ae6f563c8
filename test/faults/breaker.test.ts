import { afterEach, expect, test } from 'vitest';
import { call, createKey, outcome, requestKey } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { failAt, takeWorkosDown } from '../support/workos-faults.ts';
import { keysAtWorkos, workosRequests } from '../support/workos-keys.ts';

const FAILURES = 5;
const OPEN_MS = 3_000;
const service = await startService({ WORKOS_TIMEOUT_MS: '300', WORKOS_BREAKER_FAILURES: String(FAILURES) });

afterEach(async () => {
  service.workos.faults.clear();
  await closed();
});

/** Waits until WorkOS is asked again, so that the next test starts with a breaker that is closed. */
async function closed(): Promise<void> {
  const acme = await service.organizations.add();
  const owner = await acme.session();
  await expect
    .poll(async () => (await requestKey(service, owner)).status, { timeout: 2 * OPEN_MS, interval: 200 })
    .toBe(201);
}

/** An organization with a key, and a WorkOS that has failed often enough. */
async function openBreaker() {
  const acme = await service.organizations.add({ status: 'active', plan: 'scale' });
  const owner = await acme.session();
  const key = await createKey(service, owner);
  takeWorkosDown(service);
  for (let i = 0; i < FAILURES; i++) expect((await requestKey(service, owner)).status).toBe(503);
  return { acme, owner, key };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

test('creation fails within 20 ms while the breaker is open, and says when to come back', async () => {
  const { acme, owner } = await openBreaker();
  const asked = () => workosRequests(service, 'POST', `/organizations/${acme.id}/api_keys`);
  const before = asked();
  const times: number[] = [];
  for (let i = 0; i < 21; i++) {
    const from = performance.now();
    const answer = await requestKey(service, owner);
    times.push(performance.now() - from);
    expect(outcome(answer)).toEqual([503, 'workos_unavailable']);
    expect(answer.headers.get('retry-after')).toBe('3');
  }
  expect(asked()).toBe(before);
  expect(median(times)).toBeLessThan(20);
});

test('a refusal by the breaker leaves no row', async () => {
  const { acme, owner } = await openBreaker();
  const rows = () => service.db('api_keys').where({ organization_id: acme.id });
  const before = (await rows()).length;
  for (let i = 0; i < 5; i++) expect(outcome(await requestKey(service, owner))).toEqual([503, 'workos_unavailable']);
  expect(await rows()).toHaveLength(before);
});

test('everything that does not need WorkOS works while the breaker is open', async () => {
  const { acme, owner, key } = await openBreaker();
  const list = await call(service, 'GET', '/v1/api-keys?status=active', { token: owner });
  expect(list.body.data.map(({ id }) => id)).toEqual([key.id]);
  const get = (path: string, token = owner) => call(service, 'GET', path, { token });
  expect((await get(`/v1/api-keys/${key.id}`)).status).toBe(200);
  expect((await get('/v1/organization')).status).toBe(200);
  expect((await get('/v1/audit-events')).status).toBe(200);
  expect((await get('/v1/me/session', key.value)).status).toBe(200);
  const change = await call(service, 'PATCH', `/v1/api-keys/${key.id}`, { token: owner, body: { label: 'changed' } });
  expect(change.status).toBe(200);
  expect((await call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token: owner })).status).toBe(200);
  expect((await get('/v1/me/session', key.value)).status).toBe(401);
  expect(await service.db('audit_events').where({ organization_id: acme.id, action: 'api_key.revoked' })).toHaveLength(
    1,
  );
});

test('an unknown API key is 503 and not 401 while WorkOS cannot be asked about it', async () => {
  await openBreaker();
  const answer = await call(service, 'GET', '/v1/me/session', { token: 'sk_made_in_the_dashboard_perhaps_0123456789' });
  expect(outcome(answer)).toEqual([503, 'workos_unavailable']);
  expect(answer.headers.get('retry-after')).toBe('3');
});

test('when WorkOS is back keys are made again within seconds, and nothing is left over', async () => {
  const { acme, owner, key } = await openBreaker();
  service.workos.faults.clear();
  await expect
    .poll(async () => (await requestKey(service, owner)).status, { timeout: 2 * OPEN_MS, interval: 200 })
    .toBe(201);
  service.clock.advance(10_000);
  await service.background.runOnce('settle');
  const rows = await service.db('api_keys').where({ organization_id: acme.id, status: 'active' }).pluck('workos_id');
  expect(rows).toHaveLength(2);
  expect(rows).toContain(key.id);
  const there = (await keysAtWorkos(service, acme.id)).map(({ id }) => id);
  expect(new Set(there)).toEqual(new Set(rows));
});

test('one request tries whether WorkOS is back, and the breaker stays open when it is not', async () => {
  const { acme, owner } = await openBreaker();
  const asked = () => workosRequests(service, 'POST', `/organizations/${acme.id}/api_keys`);
  const before = asked();
  await new Promise((resolve) => setTimeout(resolve, OPEN_MS + 100));
  const answers = await Promise.all(Array.from({ length: 8 }, () => requestKey(service, owner)));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
  expect(asked()).toBe(before + 1);
});

test('fewer requests, which WorkOS may ask for, do not open the breaker', async () => {
  const acme = await service.organizations.add();
  const owner = await acme.session();
  failAt(service, 'create', { kind: 'status', status: 429, headers: { 'retry-after': '1' }, times: 2 * FAILURES });
  for (let i = 0; i < 2 * FAILURES; i++) {
    expect((await requestKey(service, owner)).headers.get('retry-after')).toBe('1');
    service.clock.advance(1_000);
  }
  expect((await requestKey(service, owner)).status).toBe(201);
});
