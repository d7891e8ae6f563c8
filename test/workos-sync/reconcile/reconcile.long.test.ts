import { afterEach, describe, expect, test } from 'vitest';
import { call, createKey } from '../../support/api.ts';
import { atWorkos, deleteAtWorkos, makeDashboardKey } from '../../support/at-workos.ts';
import type { Organization } from '../../support/organizations.ts';
import { SECRET, auditOf, makeTestReconcile, throughAll } from '../../support/reconcile.ts';
import { startService } from '../../support/service.ts';
import { failAt } from '../../support/workos-faults.ts';
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

test('reconcile reports nothing when both sides agree', async () => {
  const acme = await service.organizations.add({ status: 'active', plan: 'scale' });
  const owner = await acme.session();
  for (let i = 0; i < 3; i++) await createKey(service, owner);
  const ending = await createKey(service, owner, { expires_at: new Date(Date.now() + DAY_MS).toISOString() });
  await call(service, 'DELETE', `/v1/api-keys/${(await createKey(service, owner)).id}`, { token: owner });
  await call(service, 'POST', `/v1/api-keys/${ending.id}/rotate`, { token: owner, body: {} });
  expect(await reconcile(only(acme))).toMatchObject({ ...CLEAN, organizations: 1, keys: 5 });
});

describe('reconcile: only_here', () => {
  test('revokes a key that WorkOS no longer has', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    const [gone, kept] = [await createKey(service, owner), await createKey(service, owner)];
    await deleteAtWorkos(service, gone.id);
    expect(await through(acme)).toEqual([['only_here', gone.id, true]]);
    expect(await keyRow(db, gone.id)).toMatchObject({
      status: 'revoked',
      workos_deleted_at: expect.any(Date),
      due_at: null,
    });
    expect(await keyRow(db, kept.id)).toMatchObject({ status: 'active' });
    expect((await auditOf(service, acme.id)).at(-1)).toEqual({
      action: 'api_key.revoked',
      actor_kind: 'system',
      actor_id: 'reconcile',
      target_id: gone.id,
    });
  });

  test('revokes all keys of an organization that WorkOS no longer has', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    const keys = [await createKey(service, owner), await createKey(service, owner)];
    await atWorkos(service, 'DELETE', `/organizations/${acme.id}`);
    const { short } = await reconcile();
    const mine = short.filter(([, id]) => keys.some((key) => key.id === id));
    expect(mine).toHaveLength(2);
    expect(mine.every(([kind, , repaired]) => kind === 'only_here' && repaired)).toBe(true);
  });

  test('leaves a key alone that becomes active during the listing', async () => {
    const acme = await service.organizations.add({ status: 'active', plan: 'scale' });
    const owner = await acme.session();
    const lost = await createKey(service, owner);
    // They have ended, so that they take no place of the quota.
    const expires_at = new Date(service.clock().getTime() + 60_000).toISOString();
    for (let i = 0; i < 100; i++) await makeDashboardKey(service, acme.id, { expires_at });
    service.clock.advance(61_000);
    await service.background.runOnce('events');
    await deleteAtWorkos(service, lost.id);
    let made: string | undefined;
    const interrupted = makeTestReconcile(service, async (name) => {
      if (name === 'reconcile.page') made ??= (await createKey(service, owner)).id;
    });
    const { short } = await interrupted(only(acme));
    expect(short).toEqual([['only_here', lost.id, true]]);
    expect(await keyRow(db, made!)).toMatchObject({ status: 'active' });
  });

  test('revokes nothing when WorkOS knows none of the organizations: the API key is of another environment', async () => {
    const other = await startService({ LATCHKEY_SECRET: SECRET });
    const acme = await other.organizations.add();
    const key = await createKey(other, await acme.session());
    // Our database, told to compare itself with a WorkOS that has never heard of it.
    const { short } = await makeTestReconcile({ ...other, workos: service.workos })();
    expect(short.filter(([kind]) => kind === 'only_here')).toEqual([['only_here', key.id, false]]);
    expect(await other.db('api_keys').where({ workos_id: key.id }).first()).toMatchObject({ status: 'active' });
  });
});

describe('reconcile: only_there', () => {
  test('mirrors a key that was created at WorkOS', async () => {
    const acme = await service.organizations.add();
    const key = await makeDashboardKey(service, acme.id, { permissions: ['workspace:read', 'audit:read'] });
    expect(await through(acme)).toEqual([['only_there', key.id, true]]);
    expect(await keyRow(db, key.id)).toMatchObject({ origin: 'workos', status: 'active', permission_set: 'read_only' });
    expect(await auditOf(service, acme.id)).toEqual([
      { action: 'api_key.created', actor_kind: 'system', actor_id: 'reconcile', target_id: key.id },
    ]);
  });

  test('mirrors a key of an organization that the mirror does not have', async () => {
    const { id } = await atWorkos<{ id: string }>(service, 'POST', '/organizations', { name: 'New' });
    const key = await makeDashboardKey(service, id);
    const { short } = await reconcile();
    expect(short).toContainEqual(['only_there', key.id, true]);
    expect(await keyRow(db, key.id)).toMatchObject({ organization_id: id, status: 'active' });
  });

  test('deletes the key of a failed provisioning at WorkOS', async () => {
    const acme = await service.organizations.add();
    failAt(service, 'create', { kind: 'lost_answer' });
    const body = { label: 'x', permission_set: 'read_only' };
    expect((await call(service, 'POST', '/v1/api-keys', { token: await acme.session(), body })).status).toBe(503);
    await db('api_keys').where({ organization_id: acme.id }).update({ status: 'failed', due_at: null });
    const [orphan] = await keysAtWorkos(service, acme.id);
    expect(await through(acme)).toEqual([['only_there', orphan!.id, true]]);
    expect(await keysAtWorkos(service, acme.id)).toEqual([]);
  });

  test('reports a copied marker and a reappeared key, and leaves both alone', async () => {
    const acme = await service.organizations.add();
    await createKey(service, await acme.session());
    const [original] = await keysAtWorkos(service, acme.id);
    const copy = await makeDashboardKey(service, acme.id, { name: original!.name });
    const back = await makeDashboardKey(service, acme.id);
    await reconcile(only(acme));
    await db('api_keys')
      .where({ workos_id: back.id })
      .update({ status: 'revoked', revoked_at: new Date(), workos_deleted_at: new Date() });
    const left = [
      ['only_there', back.id, false],
      ['only_there', copy.id, false],
    ];
    expect(await through(acme, left)).toEqual(left);
    expect(await keysAtWorkos(service, acme.id)).toHaveLength(3);
  });
});
