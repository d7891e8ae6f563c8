import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { call, createKey } from '../../support/api.ts';
import { atWorkos, deleteAtWorkos, expireAtWorkos, makeDashboardKey } from '../../support/at-workos.ts';
import { SECRET, auditOf, makeTestReconcile, stateOf } from '../../support/reconcile.ts';
import { startService } from '../../support/service.ts';
import { startTestEnvironment } from '../../support/test-environment.ts';
import { AT, failAt } from '../../support/workos-faults.ts';
import { keysAtWorkos } from '../../support/workos-keys.ts';
import { keyRow } from '../../support/key-row.ts';

const DAY_MS = 24 * 60 * 60 * 1_000;
const there = await startTestEnvironment();
const testing = { workos: there.workos };
const service = await startService({ ...there.env, LATCHKEY_SECRET: SECRET, WORKOS_TIMEOUT_MS: '1500' });
const { db } = service;
const reconcile = makeTestReconcile(service, undefined, ['organization'], there.env);

let acme: Awaited<ReturnType<typeof service.organizations.add>>;
let owner: string;
beforeEach(async () => {
  acme = await service.organizations.add({ status: 'active', plan: 'scale' });
  owner = await acme.session();
});
afterEach(() => {
  service.workos.faults.clear();
  testing.workos.faults.clear();
});

const newTestKey = (body: object = {}) => createKey(service, owner, { environment: 'test', ...body });
const testOrganization = async (externalId = acme.id) =>
  (await atWorkos<{ id: string }>(testing, 'GET', `/organizations/external_id/${externalId}`)).id;
const newTestOrganization = async (externalId: string) =>
  (await atWorkos<{ id: string }>(testing, 'POST', '/organizations', { name: 'By hand', external_id: externalId })).id;
const remembered = async (organizationId: string) =>
  (await db('tenants').where({ organization_id: organizationId }).first()).test_organization_id;

type Found = Awaited<ReturnType<typeof reconcile>>;
const foundIn = ({ findings }: Found) =>
  findings.map(({ environment, kind, keyId, repaired }) => [environment, kind, keyId, repaired]);
const mine = async (options: object = {}) => foundIn(await reconcile({ organizationId: acme.id, ...options }));

const sides = async () => [await stateOf(service, acme.id), await keysAtWorkos(testing, await testOrganization())];

/** Expects a dry run to change nothing, a run to repair the same differences, and a second run to find what is left. */
async function through(left: unknown[] = []): Promise<unknown[]> {
  const before = await sides();
  const looked = await mine({ dryRun: true });
  expect(await sides()).toEqual(before);
  const repaired = await mine();
  expect(repaired.map((finding) => finding.slice(0, 3))).toEqual(looked.map((finding) => finding.slice(0, 3)));
  expect(looked.every((finding) => finding[3] === false)).toBe(true);
  expect(await mine()).toEqual(left);
  return repaired;
}

test('reconcile reports nothing when the mirror agrees with both environments', async () => {
  await createKey(service, owner);
  await newTestKey();
  await newTestKey({ expires_at: new Date(Date.now() + DAY_MS).toISOString() });
  const { compared, leftOut, findings } = await reconcile({ organizationId: acme.id });
  expect(compared).toMatchObject([
    { environment: 'live', organizations: 1, keys: 1, failures: 0, repaired: 0 },
    { environment: 'test', organizations: 1, keys: 2, failures: 0, repaired: 0 },
  ]);
  expect([findings, leftOut]).toEqual([[], []]);
});

test('reconcile leaves out an environment that is not configured, and its keys alone', async () => {
  const key = await newTestKey();
  await deleteAtWorkos(testing, key.id);
  await db('api_keys')
    .where({ workos_id: key.id })
    .update({ due_at: new Date(0) });
  const outcome = await makeTestReconcile(service)({ organizationId: acme.id });
  expect(outcome).toMatchObject({ leftOut: ['test'], findings: [], failures: [] });
  expect(outcome.compared.map(({ environment }) => environment)).toEqual(['live']);
  expect(await keyRow(db, key.id)).toMatchObject({ status: 'active', due_at: new Date(0), attempts: 0 });
});

describe('reconcile: differences of the test environment', () => {
  test('revokes a test key that WorkOS no longer has, and no live key', async () => {
    const [gone, kept, live] = [await newTestKey(), await newTestKey(), await createKey(service, owner)];
    await deleteAtWorkos(testing, gone.id);
    expect(await through()).toEqual([['test', 'only_here', gone.id, true]]);
    expect(await keyRow(db, gone.id)).toMatchObject({ status: 'revoked', workos_deleted_at: expect.any(Date) });
    for (const { id } of [kept, live]) expect(await keyRow(db, id)).toMatchObject({ status: 'active' });
    expect((await auditOf(service, acme.id)).at(-1)).toMatchObject({
      action: 'api_key.revoked',
      actor_id: 'reconcile',
      target_id: gone.id,
    });
  });

  test('reports the differences of both environments, also in a dry run', async () => {
    const [key, live] = [await newTestKey(), await createKey(service, owner)];
    await deleteAtWorkos(testing, key.id);
    await deleteAtWorkos(service, live.id);
    expect(await through()).toEqual([
      ['live', 'only_here', live.id, true],
      ['test', 'only_here', key.id, true],
    ]);
  });

  test('mirrors a key that was created there as a test key', async () => {
    await newTestKey();
    const key = await makeDashboardKey(testing, await testOrganization(), { permissions: ['workspace:read'] });
    expect(await through()).toEqual([['test', 'only_there', key.id, true]]);
    const row = { organization_id: acme.id, environment: 'test', origin: 'workos', status: 'active' };
    expect(await keyRow(db, key.id)).toMatchObject(row);
  });

  test('takes over an expiry that was set there', async () => {
    const [key, end] = [await newTestKey(), new Date(Date.now() + DAY_MS)];
    await expireAtWorkos(testing, key.id, end);
    expect(await through()).toEqual([['test', 'different_expiry', key.id, true]]);
    expect(await keyRow(db, key.id)).toMatchObject({ expires_at: end });
  });

  test('removes scopes that are not granted there', async () => {
    await newTestKey();
    const key = await makeDashboardKey(testing, await testOrganization(), { permissions: ['workspace:read'] });
    await service.background.runOnce('test_events');
    await db('api_keys')
      .where({ workos_id: key.id })
      .update({ scopes: ['workspace:read', 'tasks:write'] });
    expect(await through()).toEqual([['test', 'different_permissions', key.id, true]]);
    expect(await keyRow(db, key.id)).toMatchObject({ scopes: ['workspace:read'] });
  });

  test('repeats an unconfirmed deletion in each environment', async () => {
    const [key, live] = [await newTestKey(), await createKey(service, owner)];
    failAt(testing, 'delete', { kind: 'status', status: 503 });
    failAt(service, 'delete', { kind: 'status', status: 503 });
    for (const { id } of [key, live]) await call(service, 'DELETE', `/v1/api-keys/${id}`, { token: owner });
    // Whoever settles the one could take the other along.
    await db('api_keys')
      .where({ organization_id: acme.id })
      .update({ due_at: new Date(0) });
    expect(await through()).toEqual([
      ['live', 'unsettled', live.id, true],
      ['test', 'unsettled', key.id, true],
    ]);
    expect(await keysAtWorkos(testing, await testOrganization())).toEqual([]);
  });

  test('deletes the key of a failed provisioning there', async () => {
    await newTestKey();
    failAt(testing, 'create', { kind: 'lost_answer' });
    const body = { label: 'x', permission_set: 'read_only', environment: 'test' };
    expect((await call(service, 'POST', '/v1/api-keys', { token: owner, body })).status).toBe(503);
    await db('api_keys')
      .where({ organization_id: acme.id, workos_id: null })
      .update({ status: 'failed', due_at: null });
    const [orphan] = await keysAtWorkos(testing, await testOrganization());
    expect(await through()).toEqual([['test', 'only_there', orphan!.id, true]]);
    expect(await keysAtWorkos(testing, await testOrganization())).toHaveLength(1);
  });

  test("reports a copy of a live key's marker, and leaves the live key alone", async () => {
    const live = await createKey(service, owner);
    await newTestKey();
    const [original] = await keysAtWorkos(service, acme.id);
    const copy = await makeDashboardKey(testing, await testOrganization(), { name: original!.name });
    const before = await keyRow(db, live.id);
    const left = [['test', 'only_there', copy.id, false]];
    expect(await through(left)).toEqual(left);
    const marks = { workos_expected_at: expect.any(Date), workos_seen_at: expect.any(Date) };
    expect(await keyRow(db, live.id)).toEqual({ ...before, ...marks });
  });
});

describe('reconcile: organizations of the test environment', () => {
  test('finds one whose external id is a live organization, and applies its events from then on', async () => {
    const id = await newTestOrganization(acme.id);
    const key = await makeDashboardKey(testing, id);
    const looked = await reconcile({ dryRun: true });
    expect(foundIn(looked)).toContainEqual(['test', 'only_there', key.id, false]);
    expect(await remembered(acme.id)).toBeNull();
    expect(foundIn(await reconcile())).toContainEqual(['test', 'only_there', key.id, true]);
    expect(await remembered(acme.id)).toBe(id);
    await deleteAtWorkos(testing, key.id);
    await service.background.runOnce('test_events');
    expect(await keyRow(db, key.id)).toMatchObject({ status: 'revoked', environment: 'test' });
  });

  test('leaves one alone that stands for no live organization, and creates none here', async () => {
    const stranger = await newTestOrganization('org_of_nobody_here');
    const key = await makeDashboardKey(testing, stranger);
    for (const options of [{}, { organizationId: 'org_of_nobody_here' }])
      expect(foundIn(await reconcile(options)).filter((finding) => finding.includes(key.id))).toEqual([]);
    expect(await db('tenants').where({ organization_id: 'org_of_nobody_here' })).toEqual([]);
  });

  test('compares one that was created again in place of the deleted one', async () => {
    // Another that is there still: the environment is the same.
    const other = await service.organizations.add();
    await createKey(service, await other.session(), { environment: 'test' });
    const gone = await newTestKey();
    await atWorkos(testing, 'DELETE', `/organizations/${await testOrganization()}`);
    const again = await newTestOrganization(acme.id);
    const key = await makeDashboardKey(testing, again);
    expect(await mine()).toEqual([
      ['test', 'only_there', key.id, true],
      ['test', 'only_here', gone.id, true],
    ]);
    expect(await remembered(acme.id)).toBe(again);
    expect(await mine()).toEqual([]);
  });

  test('keeps one with the live organization that it is remembered for', async () => {
    await newTestKey();
    const id = await testOrganization();
    const other = await service.organizations.add();
    await atWorkos(testing, 'PUT', `/organizations/${id}`, { external_id: other.id });
    await makeDashboardKey(testing, id, { name: 'whose?' });
    const found = foundIn(await reconcile({ organizationId: other.id }));
    expect([found, await remembered(other.id), await remembered(acme.id)]).toEqual([[], null, id]);
    expect(await mine()).toMatchObject([['test', 'only_there', expect.any(String), true]]);
  });

  test('revokes and forgets nothing when WorkOS knows none of them: the API key is of another environment', async () => {
    const key = await newTestKey();
    const elsewhere = await startTestEnvironment();
    // As a copy of the database makes it that was used with that one.
    await atWorkos(elsewhere, 'POST', '/organizations', { name: 'A copy', external_id: acme.id });
    const elsewhereOnly = makeTestReconcile(service, undefined, ['organization'], elsewhere.env);
    const { findings } = await elsewhereOnly({ organizationId: acme.id });
    expect(findings).toMatchObject([{ environment: 'test', kind: 'only_here', keyId: key.id, repaired: false }]);
    expect(await keyRow(db, key.id)).toMatchObject({ status: 'active' });
    expect(await remembered(acme.id)).toBe(await testOrganization());
  });
});

describe('reconcile: an environment that cannot be read', () => {
  test.each([
    ['live', 'test', () => service, () => testing],
    ['test', 'live', () => testing, () => service],
  ] as const)('reports the failure of %s, and compares the other', async (down, up, broken, working) => {
    const keys = { live: await createKey(service, owner), test: await newTestKey() };
    await deleteAtWorkos(working(), keys[up].id);
    await deleteAtWorkos(broken(), keys[down].id);
    broken().workos.faults.add({ kind: 'status', status: 403, times: 0, ...AT.list });
    const { findings, failures, compared } = await reconcile({ organizationId: acme.id });
    expect(failures).toEqual([acme.id]);
    expect(compared.find(({ environment }) => environment === down)).toMatchObject({ failures: 1, repaired: 0 });
    expect(findings).toMatchObject([{ environment: up, kind: 'only_here', keyId: keys[up].id, repaired: true }]);
    expect(await keyRow(db, keys[down].id)).toMatchObject({ status: 'active' });
    broken().workos.faults.clear();
    expect(await mine()).toEqual([[down, 'only_here', keys[down].id, true]]);
  });

  test('counts a failed list of organizations as a failure of that environment', async () => {
    // Without test keys the list is all that is asked for.
    const other = await startService({ LATCHKEY_SECRET: SECRET });
    const { id } = await atWorkos<{ id: string }>(other, 'POST', '/organizations', { name: 'New' });
    const key = await makeDashboardKey(other, id);
    testing.workos.faults.add({ kind: 'status', status: 403, times: 0 });
    const outcome = await makeTestReconcile(other, undefined, ['organization'], there.env)();
    expect(outcome).toMatchObject({ failures: ['test'], short: [['only_there', key.id, true]] });
    expect(outcome.compared).toMatchObject([{ failures: 0 }, { failures: 1, organizations: 0 }]);
  });

  test('repairs nothing there when the process dies half-way, and everything in the next run', async () => {
    const gone = await newTestKey();
    for (let i = 0; i < 100; i++) await makeDashboardKey(testing, await testOrganization());
    await deleteAtWorkos(testing, gone.id);
    const before = await stateOf(service, acme.id);
    const dying = makeTestReconcile(
      service,
      () => {
        throw new Error('died');
      },
      ['organization'],
      there.env,
    );
    // Live WorkOS has no key of the organization, so that this is where it dies.
    expect((await dying({ organizationId: acme.id })).compared).toMatchObject([{ failures: 0 }, { failures: 1 }]);
    expect(await stateOf(service, acme.id)).toEqual(before);
    expect(await reconcile({ organizationId: acme.id })).toMatchObject({ repaired: 101, failures: [] });
    expect(await mine()).toEqual([]);
  });
});

test('reconcile reads each page once, and a second time only to repair', async () => {
  await newTestKey();
  const id = await testOrganization();
  for (let i = 0; i < 150; i++) await makeDashboardKey(testing, id);
  await service.background.runOnce('test_events');
  const lists = () => testing.workos.requests().filter(({ path }) => path === `/organizations/${id}/api_keys`);
  const before = lists().length;
  expect(await mine()).toEqual([]);
  // Two of the reconciliation; making keys is a POST of the same path.
  expect(lists().length - before).toBe(2);
  const key = await makeDashboardKey(testing, id);
  const listed = lists().length;
  expect(await mine()).toEqual([['test', 'only_there', key.id, true]]);
  expect(lists().length - listed).toBe(4);
});
