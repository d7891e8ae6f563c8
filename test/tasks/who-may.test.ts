import { describe, expect, test } from 'vitest';
import { outcome } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { keyWithTasks } from './tasks.ts';

const VERIFIER = 'svc_of_verification';
const BILLING = 'svc_of_billing';
const service = await startService(
  { LATCHKEY_SERVICE_TOKENS: `svc_latchkey_tests,${VERIFIER}:apikeys:verify,${BILLING}:billing:write` },
  { product: { tasks: { max: 3 } } },
);
const acme = await service.organizations.add({ status: 'active', plan: 'scale' });
const other = await service.organizations.add();
const key = await keyWithTasks(service, acme);
await key.take({ name: 'held' });

const DENIED = [403, 'permission_denied'];
const ask = async (token: string) => [
  outcome(await key.take({ name: 'mine', token })),
  outcome(await key.renew({ name: 'held', token })),
  outcome(await key.list(token)),
  outcome(await key.release('mine', token)),
];

describe('tasks', () => {
  test.each([
    ['a service token with apikeys:verify', async () => VERIFIER],
    ["a machine of the key's organization with apikeys:verify", () => acme.machineToken('apikeys:verify')],
  ])('are for %s', async (_who, token) => {
    expect(await ask(await token())).toEqual(Array.from({ length: 4 }, () => [200, undefined]));
  });

  test.each([
    ['a service token without the scope', async () => BILLING],
    ['a machine without the scope', () => acme.machineToken('apikeys:write')],
    ['a machine of another organization', () => other.machineToken('apikeys:verify')],
    ['the key itself', async () => key.value],
    ['a person, whatever their permissions', () => acme.session('owner', { permissions: ['apikeys:verify'] })],
  ])('are not for %s: 403 permission_denied, and nothing changes', async (_who, token) => {
    const before = await service.db('tasks').orderBy('name');
    expect(await ask(await token())).toEqual(Array.from({ length: 4 }, () => DENIED));
    expect(await service.db('tasks').orderBy('name')).toEqual(before);
  });
});
