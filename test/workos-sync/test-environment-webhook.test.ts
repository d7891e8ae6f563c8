import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { call, createKey, outcome } from '../support/api.ts';
import { atWorkos, deleteAtWorkos, makeDashboardKey, signWebhook } from '../support/at-workos.ts';
import { startService } from '../support/service.ts';
import { startTestEnvironment } from '../support/test-environment.ts';
import { keyRow } from '../support/key-row.ts';

const [LIVE_SECRET, TEST_SECRET] = ['a webhook secret of live WorkOS', 'a webhook secret of its test environment'];
const [LIVE_PATH, TEST_PATH] = ['/v1/hooks/workos', '/v1/hooks/workos/test'];
const there = await startTestEnvironment();
const testing = { workos: there.workos };
const env = { ...there.env, WORKOS_WEBHOOK_SECRET: LIVE_SECRET, WORKOS_WEBHOOK_SECRET_TEST: TEST_SECRET };
const service = await startService(env);
const { db } = service;
testing.workos.seed({ webhookEndpoints: [{ url: `${service.url}${TEST_PATH}`, secret: TEST_SECRET }] });

let acme: Awaited<ReturnType<typeof service.organizations.add>>;
let owner: string;
beforeEach(async () => {
  acme = await service.organizations.add();
  owner = await acme.session();
});
afterEach(() => testing.workos.deliverEvents({ delay_ms: 0, duplicate: false, reorder: false }));

const statusOf = async (id: string) => (await keyRow(db, id))?.status;
const soon = { timeout: 5_000 };
const testOrganization = async () =>
  (await atWorkos<{ id: string }>(testing, 'GET', `/organizations/external_id/${acme.id}`)).id;

function keyEvent(event: string, organizationId: string, id: string, data: object = {}) {
  const now = new Date().toISOString();
  const owner = { type: 'organization', id: organizationId };
  const times = { created_at: now, updated_at: now };
  const key = { object: 'api_key', id, owner, name: 'x', obfuscated_value: 'sk_...abcd', permissions: [], ...times };
  return { object: 'event', id: 'event_x', event, created_at: now, data: { ...key, ...data } };
}

function send(path: string, secret: string, event: object, to: Pick<typeof service, 'url'> = service) {
  const body = JSON.stringify(event);
  return call(to, 'POST', path, { body, headers: { 'workos-signature': signWebhook(secret, body) } });
}

describe('POST /v1/hooks/workos/test', () => {
  test('applies events of test keys, also twice and out of order', async () => {
    const known = await createKey(service, owner, { environment: 'test' });
    testing.workos.deliverEvents({ duplicate: true, reorder: true });
    const made = await makeDashboardKey(testing, await testOrganization(), { permissions: ['workspace:read'] });
    await expect.poll(() => statusOf(made.id), soon).toBe('active');
    expect(await keyRow(db, made.id)).toMatchObject({
      organization_id: acme.id,
      environment: 'test',
      origin: 'workos',
    });
    await deleteAtWorkos(testing, known.id);
    await deleteAtWorkos(testing, made.id);
    await expect.poll(() => statusOf(known.id), soon).toBe('revoked');
    await expect.poll(() => statusOf(made.id), soon).toBe('revoked');
    const told = db('audit_events').where({ organization_id: acme.id, actor_kind: 'workos' }).orderBy('sequence');
    expect(await told.pluck('action')).toEqual(['api_key.created', 'api_key.revoked', 'api_key.revoked']);
  });

  test('ignores events of its organizations and people', async () => {
    const live = await createKey(service, owner);
    const now = new Date().toISOString();
    const organization = { id: acme.id, name: 'Renamed', created_at: now, updated_at: now };
    const deleted = { id: 'event_of_theirs', event: 'organization.deleted', data: organization, created_at: now };
    expect(await send(TEST_PATH, TEST_SECRET, deleted)).toMatchObject({ status: 200, body: { outcome: 'ignored' } });
    expect(await statusOf(live.id)).toBe('active');
    expect(service.logs.some((line) => line.includes('event_of_theirs'))).toBe(false);
  });

  test('logs an unreadable event as an error', async () => {
    const unreadable = {
      ...keyEvent('api_key.created', 'org_x', 'api_key_x', { owner: null }),
      id: 'event_unreadable',
    };
    expect((await send(TEST_PATH, TEST_SECRET, unreadable)).body).toEqual({ outcome: 'kept' });
    expect(
      service.logs.some((line) => line.includes('event_unreadable') && line.includes('unreadable WorkOS event')),
    ).toBe(true);
  });
});

describe('POST /v1/hooks/workos and /v1/hooks/workos/test', () => {
  test.each([
    ["the test environment's at live WorkOS's address", LIVE_PATH, TEST_SECRET],
    ["live WorkOS's at the test environment's address", TEST_PATH, LIVE_SECRET],
  ])('return 401 credential_invalid for a signature that is %s', async (_what, path, secret) => {
    const [key, live] = [await createKey(service, owner, { environment: 'test' }), await createKey(service, owner)];
    for (const [organizationId, { id }] of [
      [acme.id, live],
      [await testOrganization(), key],
    ] as const) {
      const answer = await send(path, secret, keyEvent('api_key.revoked', organizationId, id));
      expect(outcome(answer)).toEqual([401, 'credential_invalid']);
    }
    expect([await statusOf(key.id), await statusOf(live.id)]).toEqual(['active', 'active']);
  });

  test.each(['api_key.created', 'api_key.updated', 'api_key.revoked'])(
    'ignore %s of the test environment that names a live key or its organization',
    async (event) => {
      await createKey(service, owner, { environment: 'test' });
      const live = await createKey(service, owner);
      const before = await keyRow(db, live.id);
      const [{ name } = { name: '' }] = (
        await atWorkos<{ data: { name: string }[] }>(service, 'GET', `/organizations/${acme.id}/api_keys`)
      ).data;
      const end = { expires_at: new Date().toISOString(), name };
      const named = await send(TEST_PATH, TEST_SECRET, keyEvent(event, acme.id, live.id, end));
      expect(named.body).toEqual({ outcome: 'ignored' });
      const disguised = await send(TEST_PATH, TEST_SECRET, keyEvent(event, await testOrganization(), live.id, end));
      expect(disguised.body).toEqual({ outcome: 'unchanged' });
      expect(await keyRow(db, live.id)).toEqual(before);
    },
  );

  test.each(['api_key.created', 'api_key.updated', 'api_key.revoked'])(
    'ignore %s of the live environment that names a test key',
    async (event) => {
      const key = await createKey(service, owner, { environment: 'test' });
      const before = await keyRow(db, key.id);
      const [{ name } = { name: '' }] = (
        await atWorkos<{ data: { name: string }[] }>(
          testing,
          'GET',
          `/organizations/${await testOrganization()}/api_keys`,
        )
      ).data;
      const end = { expires_at: new Date().toISOString(), name };
      const answer = await send(LIVE_PATH, LIVE_SECRET, keyEvent(event, acme.id, key.id, end));
      expect(answer).toMatchObject({ status: 200, body: { outcome: 'unchanged' } });
      expect(await keyRow(db, key.id)).toEqual(before);
    },
  );
});

describe('without WORKOS_WEBHOOK_SECRET_TEST', () => {
  test('POST /v1/hooks/workos/test returns 404', async () => {
    const other = await startService({ ...there.env, WORKOS_WEBHOOK_SECRET: LIVE_SECRET });
    const event = keyEvent('api_key.revoked', 'org_x', 'api_key_x');
    for (const secret of [LIVE_SECRET, TEST_SECRET, ''])
      expect(outcome(await send(TEST_PATH, secret, event, other))).toEqual([404, 'route_not_found']);
    expect((await send(LIVE_PATH, LIVE_SECRET, event, other)).status).toBe(200);
  });

  test('POST /v1/hooks/workos returns 404 when only the test secret is set', async () => {
    const other = await startService({ ...there.env, WORKOS_WEBHOOK_SECRET_TEST: TEST_SECRET });
    const event = keyEvent('api_key.revoked', 'org_x', 'api_key_x');
    expect(outcome(await send(LIVE_PATH, TEST_SECRET, event, other))).toEqual([404, 'route_not_found']);
    expect((await send(TEST_PATH, TEST_SECRET, event, other)).body).toEqual({ outcome: 'ignored' });
  });
});

test('POST /v1/hooks/workos/test returns 401 without a signature, and 503 while the database is away', async () => {
  const missing = await call(service, 'POST', TEST_PATH, { token: owner, body: {} });
  expect(outcome(missing)).toEqual([401, 'credential_missing']);
  const other = await startService(env);
  await other.db.destroy();
  const answer = await send(TEST_PATH, TEST_SECRET, keyEvent('api_key.revoked', 'org_x', 'api_key_x'), other);
  expect(outcome(answer)).toEqual([503, 'database_unavailable']);
});

test('OpenAPI documents POST /v1/hooks/workos/test with the WorkOS signature', async () => {
  const { paths } = (await call(service, 'GET', '/openapi.json')).body as unknown as {
    paths: Record<string, { post: { operationId: string; security: object[]; responses: object } }>;
  };
  const [live, own] = [paths[LIVE_PATH]!.post, paths[TEST_PATH]!.post];
  expect([own.operationId, own.security]).toEqual(['receiveTestWorkosEvent', [{ workosSignature: [] }]]);
  expect(Object.keys(own.responses)).toEqual(Object.keys(live.responses));
});
