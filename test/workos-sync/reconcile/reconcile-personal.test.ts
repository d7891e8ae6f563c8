import { expect, test } from 'vitest';
import { createKey } from '../../support/api.ts';
import { atWorkos, deleteAtWorkos } from '../../support/at-workos.ts';
import type { Organization } from '../../support/organizations.ts';
import { SECRET, makeTestReconcile } from '../../support/reconcile.ts';
import { startService } from '../../support/service.ts';

const service = await startService(
  { LATCHKEY_SECRET: SECRET },
  { product: { api_keys: { prefixes: ['sk_'], owners: ['organization', 'user'] } } },
);
const { db, background } = service;
const reconcile = makeTestReconcile(service, undefined, ['organization', 'user']);

const HELD = ['apikeys:write:own', 'workspace:read', 'audit:read'];
const personal = async (acme: Organization, role: 'member' | 'owner' = 'member') =>
  createKey(service, await acme.session(role, { permissions: HELD }), { owner: 'user' });
const only = ({ id }: Organization) => ({ organizationId: id });

test('reconcile reports no difference for personal keys that both sides have', async () => {
  const acme = await service.organizations.add();
  await personal(acme);
  await personal(acme, 'owner');
  await createKey(service, await acme.session());
  expect(await reconcile(only(acme))).toMatchObject({ keys: 3, findings: [], failures: [] });
});

test('reconcile revokes a personal key that WorkOS no longer has, and no other', async () => {
  const acme = await service.organizations.add();
  const [gone, kept] = [await personal(acme), await personal(acme, 'owner')];
  await deleteAtWorkos(service, gone.id);
  expect((await reconcile(only(acme))).short).toEqual([['only_here', gone.id, true]]);
  const statuses = await db('api_keys').where({ organization_id: acme.id }).select('workos_id', 'status');
  expect(new Map(statuses.map((row) => [row.workos_id, row.status]))).toEqual(
    new Map([
      [gone.id, 'revoked'],
      [kept.id, 'active'],
    ]),
  );
  expect((await reconcile(only(acme))).findings).toEqual([]);
});

test('reconcile mirrors a personal key that only WorkOS has, with its owner', async () => {
  const acme = await service.organizations.add();
  await personal(acme);
  const userId = acme.userId('member');
  const made = await atWorkos<{ id: string }>(service, 'POST', `/user_management/users/${userId}/api_keys`, {
    name: 'from elsewhere',
    organization_id: acme.id,
    permissions: ['workspace:read'],
  });
  expect((await reconcile(only(acme))).short).toEqual([['only_there', made.id, true]]);
  expect(await db('api_keys').where({ workos_id: made.id }).first()).toMatchObject({ owner_user_id: userId });
});

test('reconcile makes the roles of owners due to be read again, and a dry run does not', async () => {
  const acme = await service.organizations.add();
  await personal(acme);
  await background.runOnce('members');
  const member = () => db('members').where({ organization_id: acme.id }).first();
  await db('members')
    .where({ organization_id: acme.id })
    .update({ permissions: ['workspace:write'] });
  await reconcile({ ...only(acme), dryRun: true });
  expect((await member()).due_at).toBeNull();
  await reconcile(only(acme));
  await background.runOnce('members');
  expect((await member()).permissions).toEqual(['workspace:read', 'workspace:write:own', 'tasks:write:own']);
});
