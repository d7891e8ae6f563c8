import { expect, test } from 'vitest';
import { call, createKey } from '../support/api.ts';
import type { CreatedKey } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { takeWorkosDown } from '../support/workos-faults.ts';
import { keysAtWorkos, workosRequests } from '../support/workos-keys.ts';

// Long enough for a machine that has other things to do: each request is counted.
const service = await startService({ WORKOS_TIMEOUT_MS: '5000' });

const settle = () => service.background.runOnce('settle');
const revoke = (token: string, id: string) => call(service, 'DELETE', `/v1/api-keys/${id}`, { token });

test('two settlers at the same time do the work once', async () => {
  const acme = await service.organizations.add({ status: 'active', plan: 'scale' });
  const owner = await acme.session();
  const keys: CreatedKey[] = [];
  for (let i = 0; i < 30; i++) keys.push(await createKey(service, owner));
  takeWorkosDown(service);
  await Promise.all(keys.map(({ id }) => revoke(owner, id)));
  service.workos.faults.clear();
  service.clock.advance(20_000);
  const asked = () => keys.map(({ id }) => workosRequests(service, 'DELETE', `/api_keys/${id}`));
  const before = asked();
  await Promise.all([settle(), settle()]);
  expect(asked()).toEqual(before.map((count) => count + 1));
  expect(await keysAtWorkos(service, acme.id)).toEqual([]);
});
