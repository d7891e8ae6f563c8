import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Emulator } from '../../src/emulator/emulator.ts';
import { call, createKey, outcome } from '../support/api.ts';
import { atWorkos, makeDashboardKey } from '../support/at-workos.ts';
import { FORMS, inBothEnvironments } from '../support/both-environments.ts';
import type { TestOrganization as Organization } from '../support/both-environments.ts';
import { startService } from '../support/service.ts';
import { makeTestReconcile } from '../support/reconcile.ts';
import { startTestEnvironment } from '../support/test-environment.ts';
import { failAt, takeWorkosDown } from '../support/workos-faults.ts';
import { keysAtWorkos, worksAtWorkos } from '../support/workos-keys.ts';

const there = await startTestEnvironment();
const testing = { workos: there.workos };
const service = await startService(there.env, { product: FORMS });

let acme: Awaited<ReturnType<typeof service.organizations.add>>;
let owner: string;
beforeEach(async () => {
  acme = await service.organizations.add();
  owner = await acme.session();
});
const { clearFaults, create, newTestKey, verify, testOrganization, rowOf } = inBothEnvironments(
  service,
  testing,
  () => ({ acme, owner }),
);
afterEach(clearFaults);

const requestsTo = (workos: Emulator) => workos.requests().length;

const poll = () => service.background.runOnce('test_events');

describe('events of the test environment', () => {
  test('revoke a key that was revoked there', async () => {
    const key = await newTestKey();
    await atWorkos(testing, 'DELETE', `/api_keys/${key.id}`);
    await poll();
    expect(await verify(key.value, { environment: 'test' })).toMatchObject({ code: 'revoked' });
  });

  test('mirror a key that was created there as a test key of the live organization', async () => {
    await newTestKey();
    const key = await makeDashboardKey(testing, (await testOrganization()).id, { permissions: ['workspace:read'] });
    await poll();
    expect(await rowOf(key.id)).toMatchObject({ organization_id: acme.id, environment: 'test', origin: 'workos' });
  });

  test('create and delete no tenants', async () => {
    const key = await newTestKey();
    const live = await createKey(service, owner);
    const made = await atWorkos<Organization>(testing, 'POST', '/organizations', { name: 'Another' });
    await atWorkos(testing, 'DELETE', `/organizations/${(await testOrganization()).id}`);
    await poll();
    expect(await service.db('tenants').where({ organization_id: made.id })).toEqual([]);
    expect(await verify(live.value)).toMatchObject({ code: 'valid' });
    expect(await rowOf(key.id)).toBeDefined();
  });
});

describe('an outage of the test environment', () => {
  test('fails the creation of test keys with 503, and no live request', async () => {
    const [key, live] = [await newTestKey(), await createKey(service, owner)];
    takeWorkosDown(testing);
    expect(outcome(await create({ environment: 'test' }))).toEqual([503, 'workos_unavailable']);
    expect((await create()).status).toBe(201);
    expect(await verify(live.value)).toMatchObject({ code: 'valid' });
    expect(await verify(key.value, { environment: 'test' })).toMatchObject({ code: 'valid' });
    // Revoked here at once, deleted there when it is back.
    expect((await call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token: owner })).status).toBe(200);
    expect(await verify(key.value, { environment: 'test' })).toMatchObject({ code: 'revoked' });
    expect((await call(service, 'DELETE', `/v1/api-keys/${live.id}`, { token: owner })).status).toBe(200);
    testing.workos.faults.clear();
    expect(await worksAtWorkos(testing, `sk_${key.value.slice('msk_test_'.length, -6)}`)).toBe(true);
    service.clock.advance(60_000);
    await service.background.runOnce('settle');
    expect(await rowOf(key.id)).toMatchObject({ workos_deleted_at: expect.any(Date), due_at: null });
    expect(await worksAtWorkos(testing, `sk_${key.value.slice('msk_test_'.length, -6)}`)).toBe(false);
  });

  test('opens its own breaker only', async () => {
    const broken = await startService({ ...there.env, WORKOS_BREAKER_FAILURES: '2' });
    const organization = await broken.organizations.add();
    const token = await organization.session();
    await createKey(broken, token, { environment: 'test' });
    const ask = (environment: string) =>
      call(broken, 'POST', '/v1/api-keys', { token, body: { label: 'a', permission_set: 'read_only', environment } });
    takeWorkosDown(testing);
    for (let i = 0; i < 4; i++) expect((await ask('test')).status).toBe(503);
    const asked = requestsTo(testing.workos);
    expect((await ask('test')).status).toBe(503);
    // It is open: nothing was sent.
    expect(requestsTo(testing.workos)).toBe(asked);
    expect((await ask('live')).status).toBe(201);
  });

  test('leaves an unanswered key to settle, which deletes it there', async () => {
    await newTestKey();
    const { id } = await testOrganization();
    failAt(testing, 'create', { kind: 'reset_after' });
    expect((await create({ environment: 'test' })).status).toBe(503);
    expect(await keysAtWorkos(testing, id)).toHaveLength(2);
    service.clock.advance(60_000);
    await service.background.runOnce('settle');
    expect(await keysAtWorkos(testing, id)).toHaveLength(1);
  });
});

test('organization.deleted of the live environment revokes test keys, also at WorkOS', async () => {
  const key = await newTestKey();
  const { id } = await testOrganization();
  await atWorkos(service, 'DELETE', `/organizations/${acme.id}`);
  await service.background.runOnce('events');
  expect(await verify(key.value, { environment: 'test' })).toMatchObject({ code: 'revoked' });
  service.clock.advance(60_000);
  await service.background.runOnce('settle');
  expect(await keysAtWorkos(testing, id)).toEqual([]);
});

test('reconcile of the live environment leaves test keys alone', async () => {
  const [key, live] = [await newTestKey(), await createKey(service, owner)];
  await atWorkos(service, 'DELETE', `/api_keys/${live.id}`);
  const { short } = await makeTestReconcile(service)({ organizationId: acme.id });
  // The live one it misses, so that it does look.
  expect(short).toEqual([['only_here', live.id, true]]);
  expect(await verify(key.value, { environment: 'test' })).toMatchObject({ code: 'valid' });
  expect(await rowOf(key.id)).toMatchObject({ status: 'active' });
});

test('an event of the test environment with the marker of a live key leaves the live key alone', async () => {
  const live = await createKey(service, owner);
  await newTestKey();
  const [there] = await keysAtWorkos(service, acme.id);
  const copy = await makeDashboardKey(testing, (await testOrganization()).id, { name: there!.name });
  await atWorkos(testing, 'DELETE', `/api_keys/${copy.id}`);
  await poll();
  expect(await verify(live.value)).toMatchObject({ code: 'valid', id: live.id });
});
