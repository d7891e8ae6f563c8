import { afterEach, describe, expect, test } from 'vitest';
import { call, createKey } from '../../support/api.ts';
import { deleteAtWorkos, expireAtWorkos, makeDashboardKey } from '../../support/at-workos.ts';
import type { Organization } from '../../support/organizations.ts';
import { SECRET, auditOf, makeTestReconcile, stateOf, throughAll } from '../../support/reconcile.ts';
import { startService } from '../../support/service.ts';
import { AT, failAt, takeWorkosDown } from '../../support/workos-faults.ts';
import { keysAtWorkos } from '../../support/workos-keys.ts';
import { keyRow } from '../../support/key-row.ts';

const DAY_MS = 24 * 60 * 60 * 1_000;
const service = await startService({ LATCHKEY_SECRET: SECRET, WORKOS_TIMEOUT_MS: '1500' });
const { db, workos } = service;
const reconcile = makeTestReconcile(service);

afterEach(() => workos.faults.clear());

const only = ({ id }: Organization) => ({ organizationId: id });
const through = (acme: Organization, left?: unknown[]) => throughAll(service, reconcile, acme.id, left);
const CLEAN = { findings: [], failures: [], repaired: 0 };

describe('reconcile: different_expiry', () => {
  test("takes over WorkOS's expiry", async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    const end = new Date(Date.now() + DAY_MS);
    const [given, removed] = [
      await createKey(service, owner),
      await createKey(service, owner, { expires_at: end.toISOString() }),
    ];
    await expireAtWorkos(service, given.id, end);
    await expireAtWorkos(service, removed.id, null);
    expect(new Set(await through(acme))).toEqual(
      new Set([
        ['different_expiry', given.id, true],
        ['different_expiry', removed.id, true],
      ]),
    );
    expect(await keyRow(db, given.id)).toMatchObject({ expires_at: end, workos_expires_at: end });
    expect(await keyRow(db, removed.id)).toMatchObject({ expires_at: null });
    const events = (await auditOf(service, acme.id)).slice(-2);
    expect(events.every((event) => event.action === 'api_key.expiry_changed' && event.actor_id === 'reconcile')).toBe(
      true,
    );
  });

  test('takes it over also when the row was changed by hand and updated_at is equal', async () => {
    const acme = await service.organizations.add();
    const key = await makeDashboardKey(service, acme.id);
    await service.background.runOnce('events');
    await db('api_keys')
      .where({ workos_id: key.id })
      .update({ expires_at: new Date(0) });
    expect(await through(acme)).toEqual([['different_expiry', key.id, true]]);
    expect(await keyRow(db, key.id)).toMatchObject({ expires_at: null });
  });

  test('sends the expiry of a rotated key to WorkOS again', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    const key = await createKey(service, owner);
    await call(service, 'POST', `/v1/api-keys/${key.id}/rotate`, { token: owner, body: { grace_seconds: 3_600 } });
    const { expires_at: end } = await keyRow(db, key.id);
    await expireAtWorkos(service, key.id, null);
    expect(await through(acme)).toEqual([['different_expiry', key.id, true]]);
    expect((await keysAtWorkos(service, acme.id)).find(({ id }) => id === key.id)).toMatchObject({
      expires_at: end.toISOString(),
    });
  });

  test('reports no difference when both expiries have passed', async () => {
    const acme = await service.organizations.add();
    const key = await createKey(service, await acme.session());
    await expireAtWorkos(service, key.id, new Date(Date.now() + 50));
    await db('api_keys')
      .where({ workos_id: key.id })
      .update({ expires_at: new Date(Date.now() - DAY_MS) });
    service.clock.advance(100);
    expect(await reconcile(only(acme))).toMatchObject(CLEAN);
  });
});

async function withScopes(acme: Organization, scopes: string[]) {
  const key = await makeDashboardKey(service, acme.id, { permissions: ['workspace:read', 'audit:read'] });
  await service.background.runOnce('events');
  await db('api_keys').where({ workos_id: key.id }).update({ scopes, permission_set: null });
  return key;
}

describe('reconcile: different_permissions', () => {
  test('removes scopes that WorkOS does not grant', async () => {
    const acme = await service.organizations.add();
    const key = await withScopes(acme, ['tasks:write', 'workspace:read', 'audit:read']);
    expect(await through(acme)).toEqual([['different_permissions', key.id, true]]);
    expect(await keyRow(db, key.id)).toMatchObject({
      scopes: ['workspace:read', 'audit:read'],
      permission_set: 'read_only',
    });
    expect((await auditOf(service, acme.id)).at(-1)).toMatchObject({
      action: 'api_key.updated',
      actor_id: 'reconcile',
    });
  });

  test('reports permissions that only WorkOS grants, and never adds them', async () => {
    const acme = await service.organizations.add();
    const key = await withScopes(acme, ['workspace:read']);
    expect(await through(acme, [['different_permissions', key.id, false]])).toEqual([
      ['different_permissions', key.id, false],
    ]);
    expect(await keyRow(db, key.id)).toMatchObject({ scopes: ['workspace:read'] });
  });

  test('keeps only the scopes of both sides', async () => {
    const acme = await service.organizations.add();
    const key = await withScopes(acme, ['workspace:read', 'tasks:write']);
    expect(await through(acme, [['different_permissions', key.id, false]])).toEqual([
      ['different_permissions', key.id, true],
    ]);
    expect(await keyRow(db, key.id)).toMatchObject({ scopes: ['workspace:read'] });
  });

  test('ignores permissions that no key may hold', async () => {
    const acme = await service.organizations.add();
    workos.seed({
      apiKeyPermissions: {
        organization: ['workspace:read', 'audit:read', 'members:write', 'tasks:write', 'workspace:write', 'caps:write'],
      },
    });
    await makeDashboardKey(service, acme.id, { permissions: ['workspace:read', 'members:write'] });
    await service.background.runOnce('events');
    expect(await reconcile(only(acme))).toMatchObject(CLEAN);
  });
});

describe('reconcile: unsettled', () => {
  test('repeats a deletion that WorkOS has not confirmed', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    const key = await createKey(service, owner);
    failAt(service, 'delete', { kind: 'status', status: 503 });
    await call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token: owner });
    expect(await through(acme)).toEqual([['unsettled', key.id, true]]);
    expect(await keysAtWorkos(service, acme.id)).toEqual([]);
    expect(await keyRow(db, key.id)).toMatchObject({ workos_deleted_at: expect.any(Date), due_at: null });
  });

  test('sends an expiry that WorkOS has not confirmed', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    const key = await createKey(service, owner);
    failAt(service, 'expire', { kind: 'reset_before' });
    await call(service, 'POST', `/v1/api-keys/${key.id}/rotate`, { token: owner, body: { grace_seconds: 3_600 } });
    expect(await through(acme)).toEqual([['unsettled', key.id, true]]);
  });

  test('fails an abandoned provisioning and deletes its key at WorkOS', async () => {
    const acme = await service.organizations.add();
    failAt(service, 'create', { kind: 'lost_answer' });
    const body = { label: 'x', permission_set: 'read_only' };
    await call(service, 'POST', '/v1/api-keys', { token: await acme.session(), body });
    const [orphan] = await keysAtWorkos(service, acme.id);
    expect(await through(acme)).toEqual([['unsettled', orphan!.id, true]]);
    expect(await keysAtWorkos(service, acme.id)).toEqual([]);
    expect(await db('api_keys').where({ organization_id: acme.id })).toMatchObject([
      { status: 'failed', due_at: null },
    ]);
  });

  test('leaves a provisioning in progress alone', async () => {
    const acme = await service.organizations.add();
    failAt(service, 'create', { kind: 'lost_answer' });
    const body = { label: 'x', permission_set: 'read_only' };
    await call(service, 'POST', '/v1/api-keys', { token: await acme.session(), body });
    const dueAt = new Date(service.clock().getTime() + 10_000);
    await db('api_keys').where({ organization_id: acme.id }).update({ due_at: dueAt });
    expect(await reconcile(only(acme))).toMatchObject(CLEAN);
    expect(await keysAtWorkos(service, acme.id)).toHaveLength(1);
  });
});

async function drifted() {
  const acme = await service.organizations.add({ status: 'active', plan: 'scale' });
  const owner = await acme.session();
  const lost = await createKey(service, owner);
  for (let i = 0; i < 120; i++) await makeDashboardKey(service, acme.id);
  await deleteAtWorkos(service, lost.id);
  return { acme, lost };
}

describe('reconcile: a listing that fails', () => {
  test.each([
    ['on its first page', 0],
    ['on its second page', 1],
  ])('%s repairs nothing of that organization', async (_what, after) => {
    const { acme } = await drifted();
    const before = await stateOf(service, acme.id);
    workos.faults.add({ kind: 'status', status: 403, after, times: 0, ...AT.list });
    const failed = await reconcile(only(acme));
    expect(failed).toMatchObject({ failures: [acme.id], findings: [] });
    workos.faults.clear();
    expect(await stateOf(service, acme.id)).toEqual(before);
    expect(await reconcile(only(acme))).toMatchObject({ repaired: 121, failures: [] });
  });

  test('repairs nothing when the process dies half-way, and everything in the next run', async () => {
    const { acme } = await drifted();
    const before = await stateOf(service, acme.id);
    const dying = makeTestReconcile(service, () => {
      throw new Error('died');
    });
    expect((await dying(only(acme))).failures).toEqual([acme.id]);
    expect(await stateOf(service, acme.id)).toEqual(before);
    expect(await reconcile(only(acme))).toMatchObject({ repaired: 121, failures: [] });
    expect(await reconcile(only(acme))).toMatchObject(CLEAN);
  });

  test('ends the run after three organizations in a row failed', async () => {
    for (let i = 0; i < 4; i++) await service.organizations.add();
    takeWorkosDown(service);
    const { failures, repaired } = await reconcile();
    expect([failures.length, repaired]).toEqual([3, 0]);
  }, 60_000);
});
