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
  findings.map(({ environment, kind, keyId, mended }) => [environment, kind, keyId, mended]);
const mine = async (options: object = {}) => foundIn(await reconcile({ organizationId: acme.id, ...options }));

const sides = async () => [await stateOf(service, acme.id), await keysAtWorkos(testing, await testOrganization())];

/** Looks first, which changes nothing on any of the three sides; then mends; then finds what nobody may mend. */
async function through(left: unknown[] = []): Promise<unknown[]> {
  const before = await sides();
  const looked = await mine({ dryRun: true });
  expect(await sides()).toEqual(before);
  const mended = await mine();
  expect(mended.map((finding) => finding.slice(0, 3))).toEqual(looked.map((finding) => finding.slice(0, 3)));
  expect(looked.every((finding) => finding[3] === false)).toBe(true);
  expect(await mine()).toEqual(left);
  return mended;
}

test('where the mirror agrees with both environments there is nothing to say', async () => {
  await createKey(service, owner);
  await newTestKey();
  await newTestKey({ expires_at: new Date(Date.now() + DAY_MS).toISOString() });
  const { compared, leftOut, findings } = await reconcile({ organizationId: acme.id });
  expect(compared).toMatchObject([
    { environment: 'live', organizations: 1, keys: 1, failures: 0, mended: 0 },
    { environment: 'test', organizations: 1, keys: 2, failures: 0, mended: 0 },
  ]);
  expect([findings, leftOut]).toEqual([[], []]);
});

test('an environment that is not configured is left out, and its keys are let be', async () => {
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

describe('a difference is found in the environment that it is in, and mended there', () => {
  test('a test key that is gone there is revoked here; a live one is not looked for there', async () => {
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

  test('what was lost in both at once is told of each, also by a run that mends nothing', async () => {
    const [key, live] = [await newTestKey(), await createKey(service, owner)];
    await deleteAtWorkos(testing, key.id);
    await deleteAtWorkos(service, live.id);
    expect(await through()).toEqual([
      ['live', 'only_here', live.id, true],
      ['test', 'only_here', key.id, true],
    ]);
  });

  test('a key made there is a test key here', async () => {
    await newTestKey();
    const key = await makeDashboardKey(testing, await testOrganization(), { permissions: ['workspace:read'] });
    expect(await through()).toEqual([['test', 'only_there', key.id, true]]);
    const row = { organization_id: acme.id, environment: 'test', origin: 'workos', status: 'active' };
    expect(await keyRow(db, key.id)).toMatchObject(row);
  });

  test('an end that was set there is taken', async () => {
    const [key, end] = [await newTestKey(), new Date(Date.now() + DAY_MS)];
    await expireAtWorkos(testing, key.id, end);
    expect(await through()).toEqual([['test', 'different_expiry', key.id, true]]);
    expect(await keyRow(db, key.id)).toMatchObject({ expires_at: end });
  });

  test('what is not granted there is taken away here', async () => {
    await newTestKey();
    const key = await makeDashboardKey(testing, await testOrganization(), { permissions: ['workspace:read'] });
    await service.background.runOnce('test_events');
    await db('api_keys')
      .where({ workos_id: key.id })
      .update({ scopes: ['workspace:read', 'tasks:write'] });
    expect(await through()).toEqual([['test', 'different_permissions', key.id, true]]);
    expect(await keyRow(db, key.id)).toMatchObject({ scopes: ['workspace:read'] });
  });

  test('a deletion that it has not confirmed is done there, beside one of live WorkOS', async () => {
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

  test('what was asked for and given up is deleted there', async () => {
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

  test("a copy of a live key's name there is told of, and the live key is as it was", async () => {
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

describe('the organizations of the test environment', () => {
  test('one that says it stands for ours is found, compared and heard of from then on', async () => {
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

  test('those that stand for none of ours are left alone, and make no organization here', async () => {
    const stranger = await newTestOrganization('org_of_nobody_here');
    const key = await makeDashboardKey(testing, stranger);
    for (const options of [{}, { organizationId: 'org_of_nobody_here' }])
      expect(foundIn(await reconcile(options)).filter((finding) => finding.includes(key.id))).toEqual([]);
    expect(await db('tenants').where({ organization_id: 'org_of_nobody_here' })).toEqual([]);
  });

  test('one that was made again is compared in place of the one that is gone', async () => {
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

  test('one that we remember for another of ours stays with that one', async () => {
    await newTestKey();
    const id = await testOrganization();
    const other = await service.organizations.add();
    await atWorkos(testing, 'PUT', `/organizations/${id}`, { external_id: other.id });
    await makeDashboardKey(testing, id, { name: 'whose?' });
    const found = foundIn(await reconcile({ organizationId: other.id }));
    expect([found, await remembered(other.id), await remembered(acme.id)]).toEqual([[], null, id]);
    expect(await mine()).toMatchObject([['test', 'only_there', expect.any(String), true]]);
  });

  test('nothing is revoked, and none forgotten, when none of them is known there: it is another environment', async () => {
    const key = await newTestKey();
    const elsewhere = await startTestEnvironment();
    // As a copy of the database makes it that was used with that one.
    await atWorkos(elsewhere, 'POST', '/organizations', { name: 'A copy', external_id: acme.id });
    const elsewhereOnly = makeTestReconcile(service, undefined, ['organization'], elsewhere.env);
    const { findings } = await elsewhereOnly({ organizationId: acme.id });
    expect(findings).toMatchObject([{ environment: 'test', kind: 'only_here', keyId: key.id, mended: false }]);
    expect(await keyRow(db, key.id)).toMatchObject({ status: 'active' });
    expect(await remembered(acme.id)).toBe(await testOrganization());
  });
});

describe('one environment that cannot be read', () => {
  test.each([
    ['live', 'test', () => service, () => testing],
    ['test', 'live', () => testing, () => service],
  ] as const)('(%s) is told of, and the other is compared all the same', async (down, up, broken, working) => {
    const keys = { live: await createKey(service, owner), test: await newTestKey() };
    await deleteAtWorkos(working(), keys[up].id);
    await deleteAtWorkos(broken(), keys[down].id);
    broken().workos.faults.add({ kind: 'status', status: 403, times: 0, ...AT.list });
    const { findings, failures, compared } = await reconcile({ organizationId: acme.id });
    expect(failures).toEqual([acme.id]);
    expect(compared.find(({ environment }) => environment === down)).toMatchObject({ failures: 1, mended: 0 });
    expect(findings).toMatchObject([{ environment: up, kind: 'only_here', keyId: keys[up].id, mended: true }]);
    expect(await keyRow(db, keys[down].id)).toMatchObject({ status: 'active' });
    broken().workos.faults.clear();
    expect(await mine()).toEqual([[down, 'only_here', keys[down].id, true]]);
  });

  test('at the list of its organizations is a failure of that environment', async () => {
    // Without test keys the list is all that is asked for.
    const other = await startService({ LATCHKEY_SECRET: SECRET });
    const { id } = await atWorkos<{ id: string }>(other, 'POST', '/organizations', { name: 'New' });
    const key = await makeDashboardKey(other, id);
    testing.workos.faults.add({ kind: 'status', status: 403, times: 0 });
    const outcome = await makeTestReconcile(other, undefined, ['organization'], there.env)();
    expect(outcome).toMatchObject({ failures: ['test'], short: [['only_there', key.id, true]] });
    expect(outcome.compared).toMatchObject([{ failures: 0 }, { failures: 1, organizations: 0 }]);
  });

  test('because the process died half-way mends nothing there, and the next run does', async () => {
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
    expect(await reconcile({ organizationId: acme.id })).toMatchObject({ mended: 101, failures: [] });
    expect(await mine()).toEqual([]);
  });
});

test('the same pages are asked for, one after the other, and once more only where something is to be mended', async () => {
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
