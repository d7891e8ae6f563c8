import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Emulator } from '../../src/emulator/emulator.ts';
import { call, createKey, outcome } from '../support/api.ts';
import { atWorkos, makeDashboardKey } from '../support/at-workos.ts';
import { FORMS, inBothEnvironments } from '../support/both-environments.ts';
import type { TestOrganization as Organization } from '../support/both-environments.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';
import { startTestEnvironment } from '../support/test-environment.ts';
import { keysAtWorkos } from '../support/workos-keys.ts';

const there = await startTestEnvironment();
const testing = { workos: there.workos };
const [service, bare, none, onlyLive] = await Promise.all([
  startService(there.env, { product: FORMS }),
  startService(there.env),
  startService(),
  startService(there.env, { product: { api_keys: { prefixes: ['sk_'], format: { live: 'em_sk_' } } } }),
]);

let acme: Awaited<ReturnType<typeof service.organizations.add>>;
let owner: string;
beforeEach(async () => {
  acme = await service.organizations.add();
  owner = await acme.session();
});
const { clearFaults, create, newTestKey, verify, testOrganizations, testOrganization, rowOf } = inBothEnvironments(
  service,
  testing,
  () => ({ acme, owner }),
);
afterEach(clearFaults);

const forward = (key: string, query = '') => call(service, 'GET', `/v1/auth/forward${query}`, { token: key });
const requestsTo = (workos: Emulator) => workos.requests().length;

describe('a test key', () => {
  test('is issued by the test environment, for an organization that represents the live one', async () => {
    await service.db('tenants').where({ organization_id: acme.id }).update({ name: 'Acme Inc.' });
    const key = await newTestKey();
    expect(key).toMatchObject({ environment: 'test', prefix: `msk_test_...${key.value.slice(-4)}` });
    expect(key.value).toMatch(/^msk_test_/);
    expect(await testOrganizations()).toMatchObject([{ name: 'Acme Inc.' }]);
    expect(await keysAtWorkos(testing, (await testOrganization()).id)).toMatchObject([{ id: key.id }]);
    expect(await keysAtWorkos(service, acme.id)).toEqual([]);
  });

  test('opens nothing live unless a verification asks for test keys', async () => {
    const key = await newTestKey();
    const live = await createKey(service, owner);
    // Once from the database, then from memory, where the fast lanes answer.
    for (let i = 0; i < 2; i++) {
      expect(await verify(key.value)).toMatchObject({
        valid: false,
        code: 'environment_mismatch',
        environment: 'test',
      });
      expect(await verify(key.value, { environment: 'live' })).toMatchObject({ code: 'environment_mismatch' });
      expect(await verify(key.value, { environment: 'test' })).toMatchObject({ code: 'valid', environment: 'test' });
      expect(await verify(key.value, { environment: 'any' })).toMatchObject({ code: 'valid', id: key.id });
      expect(await verify(live.value)).toMatchObject({ code: 'valid', environment: 'live' });
      expect(await verify(live.value, { environment: 'test' })).toMatchObject({ code: 'environment_mismatch' });
      for (const query of ['', '?environment=live']) {
        const refused = await forward(key.value, query);
        expect(outcome(refused)).toEqual([403, 'permission_denied']);
        expect(refused.body.error.details).toEqual({ environment: 'test', required_environment: 'live' });
      }
      expect(outcome(await forward(live.value, '?environment=test'))).toEqual([403, 'permission_denied']);
      for (const query of ['?environment=test', '?environment=any']) {
        const passed = await forward(key.value, query);
        expect([passed.status, passed.headers.get('x-latchkey-environment')]).toEqual([200, 'test']);
        expect(passed.body).toMatchObject({ key_id: key.id, environment: 'test' });
      }
      expect((await forward(live.value)).headers.get('x-latchkey-environment')).toBe('live');
    }
    expect(outcome(await forward(live.value, '?environment=staging'))).toEqual([400, 'validation_error']);
  });

  test.each([
    ['GET', '/v1/api-keys'],
    ['GET', '/v1/organization'],
    ['GET', '/v1/me/session'],
    ['GET', '/v1/api-keys/permissions'],
    ['GET', '/v1/audit-events'],
    ['POST', '/v1/api-keys'],
  ])('acts on nothing of Latchkey’s own: %s %s', async (method, path) => {
    const key = await newTestKey({ permission_set: 'full_access' });
    const answer = await call(service, method, path, { token: key.value, ...(method === 'POST' && { body: {} }) });
    expect(outcome(answer)).toEqual([403, 'permission_denied']);
  });

  test('is filtered by environment in lists, and keeps it in a rotation', async () => {
    const [key, live] = [await newTestKey(), await createKey(service, owner)];
    const list = async (query: string) =>
      (await call(service, 'GET', `/v1/api-keys${query}`, { token: owner })).body.data.map(({ id }) => id);
    expect(await list('?environment=test')).toEqual([key.id]);
    expect(await list('?environment=live')).toEqual([live.id]);
    expect(await list('')).toHaveLength(2);
    const rotated = await call(service, 'POST', `/v1/api-keys/${key.id}/rotate`, { token: owner, body: {} });
    expect(rotated.body).toMatchObject({ environment: 'test', value: expect.stringMatching(/^msk_test_/) });
    expect(await verify(String(rotated.body['value']), { environment: 'test' })).toMatchObject({ code: 'valid' });
    expect(await verify(key.value, { environment: 'test' })).toMatchObject({ code: 'expired' });
    const { id } = await testOrganization();
    const [, old] = await keysAtWorkos(testing, id);
    expect(old).toMatchObject({ id: key.id, expires_at: expect.any(String) });
  });

  test('is revoked, and deleted in its own environment', async () => {
    const key = await newTestKey();
    const asked = requestsTo(service.workos);
    expect((await call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token: owner })).status).toBe(200);
    expect(await keysAtWorkos(testing, (await testOrganization()).id)).toEqual([]);
    expect(requestsTo(service.workos)).toBe(asked);
    expect(await rowOf(key.id)).toMatchObject({ status: 'revoked', workos_deleted_at: expect.any(Date) });
  });

  test('has a quota apart from that of live keys', async () => {
    await service.db('tenants').where({ organization_id: acme.id }).update({ plan: 'standard' });
    for (let i = 0; i < 10; i++) await newTestKey();
    expect(outcome(await create({ environment: 'test' }))).toEqual([409, 'key_limit_reached']);
    expect((await create()).status).toBe(201);
    const { body } = await call(service, 'GET', '/v1/organization', { token: owner });
    expect(body['usage']).toMatchObject({ api_keys: 1 });
  });

  test('is unknown with the secret of a live key behind its prefix, and the other way round', async () => {
    const { checksumOf } = await import('../../src/scan/key-checksum.ts');
    const dressed = (prefix: string, value: string) => {
      const text = prefix + value.slice('msk_live_'.length, -6);
      return text + checksumOf(text);
    };
    const [key, live] = [await newTestKey(), await createKey(service, owner)];
    for (let i = 0; i < 2; i++) {
      expect(await verify(dressed('msk_live_', key.value), { environment: 'any' })).toMatchObject({
        code: 'not_found',
      });
      expect(await verify(dressed('msk_test_', live.value), { environment: 'any' })).toMatchObject({
        code: 'not_found',
      });
      // Then they are in memory.
      await verify(key.value);
      await verify(live.value);
    }
  });

  test('is created once when the request is repeated', async () => {
    const headers = { 'idempotency-key': 'once' };
    const body = { label: 'once', permission_set: 'read_only', environment: 'test' };
    const ask = () => call(service, 'POST', '/v1/api-keys', { token: owner, headers, body });
    const [first, again] = [await ask(), await ask()];
    expect(again.body['value']).toBe(first.body['value']);
    expect(await keysAtWorkos(testing, (await testOrganization()).id)).toHaveLength(1);
  });
});

describe('GET /v1/api-keys/{id}/usage', () => {
  test('counts uses of a test key where live keys are wanted', async () => {
    const key = await newTestKey();
    await forward(key.value);
    await call(service, 'GET', '/v1/organization', { token: key.value });
    await verify(key.value);
    await verify(key.value, { environment: 'test' });
    await service.background.runOnce('flush_usage');
    const { body } = await call(service, 'GET', `/v1/api-keys/${key.id}/usage`, { token: owner });
    expect(body).toMatchObject({ codes: { environment_mismatch: 3, valid: 1 } });
  });
});

describe('the organization in the test environment', () => {
  test('is created once when several first keys are created at the same time', async () => {
    const made = await Promise.all(Array.from({ length: 5 }, () => create({ environment: 'test' })));
    expect(made.map(({ status }) => status)).toEqual([201, 201, 201, 201, 201]);
    expect(await testOrganizations()).toHaveLength(1);
    const [row] = await service.db('tenants').where({ organization_id: acme.id }).pluck('test_organization_id');
    expect(row).toBe((await testOrganization()).id);
  });

  test('is adopted when it exists already', async () => {
    const made = await atWorkos<Organization>(testing, 'POST', '/organizations', {
      name: 'Mine',
      external_id: acme.id,
    });
    await newTestKey();
    expect(await testOrganizations()).toMatchObject([{ id: made.id, name: 'Mine' }]);
  });

  test('is created again after it was deleted there', async () => {
    await newTestKey();
    const { id } = await testOrganization();
    await atWorkos(testing, 'DELETE', `/organizations/${id}`);
    await newTestKey();
    expect((await testOrganization()).id).not.toBe(id);
  });

  test('is found after its creation got no answer', async () => {
    testing.workos.faults.add({ kind: 'reset_after', method: 'POST', path: '/organizations' });
    expect((await create({ environment: 'test' })).status).toBe(201);
    expect(await testOrganizations()).toHaveLength(1);
  });
});

describe('without a test environment', () => {
  test.each([
    ['without its WorkOS', () => none],
    ['without a prefix for its keys', () => onlyLive],
  ])('%s a test key cannot be asked for', async (_name, which) => {
    const organization = await which().organizations.add();
    const answer = await call(which(), 'POST', '/v1/api-keys', {
      token: await organization.session(),
      body: { label: 'a key', permission_set: 'read_only', environment: 'test' },
    });
    expect(outcome(answer)).toEqual([400, 'validation_error']);
    expect(await which().db('api_keys').where({ organization_id: organization.id })).toEqual([]);
  });

  test('a test key that is left over opens nothing unless a verification asks for it', async () => {
    const organization = await none.organizations.add();
    const key = await createKey(none, await organization.session());
    await none.db('api_keys').where({ workos_id: key.id }).update({ environment: 'test' });
    const body = { key: key.value };
    const answer = await call(none, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body });
    expect(answer.body).toMatchObject({ code: 'environment_mismatch' });
    // It is revoked here all the same, and waits for its WorkOS.
    const token = await organization.session();
    expect((await call(none, 'DELETE', `/v1/api-keys/${key.id}`, { token })).status).toBe(200);
    expect(await none.db('api_keys').where({ workos_id: key.id }).first()).toMatchObject({
      status: 'revoked',
      workos_deleted_at: null,
    });
  });
});

describe('with WorkOS’s own key format', () => {
  test('a test key is one by the mirror alone', async () => {
    const organization = await bare.organizations.add();
    const key = await createKey(bare, await organization.session(), { environment: 'test' });
    expect(key.value).toMatch(/^sk_/);
    const ask = async (asked: object) =>
      (await call(bare, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body: { key: key.value, ...asked } }))
        .body;
    expect(await ask({})).toMatchObject({ code: 'environment_mismatch' });
    expect(await ask({ environment: 'test' })).toMatchObject({ code: 'valid', environment: 'test' });
  });

  test('a key from the dashboard of the test environment is a test key from its first use', async () => {
    const organization = await bare.organizations.add();
    await createKey(bare, await organization.session(), { environment: 'test' });
    const { data } = await atWorkos<{ data: Organization[] }>(testing, 'GET', '/organizations?limit=100');
    const theirs = data.find(({ external_id: id }) => id === organization.id)!;
    const key = await makeDashboardKey(testing, theirs.id, { permissions: ['workspace:read'] });
    const body = { key: key.value };
    const answer = await call(bare, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body });
    expect(answer.body).toMatchObject({
      code: 'environment_mismatch',
      id: key.id,
      environment: 'test',
      organization_id: organization.id,
    });
  });

  test('a key of a test organization that represents no live one is unknown', async () => {
    const made = await atWorkos<Organization>(testing, 'POST', '/organizations', { name: 'Stranger' });
    const key = await makeDashboardKey(testing, made.id);
    const body = { key: key.value, environment: 'any' };
    const answer = await call(bare, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body });
    expect(answer.body).toMatchObject({ code: 'not_found', id: null });
    // Nor does one that names one of ours by a live organization's id of its own.
    expect(await bare.db('tenants').where({ organization_id: made.id })).toEqual([]);
  });
});
