import { expect, test } from 'vitest';
import { call, createKey } from '../support/api.ts';
import type { CreatedKey } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { failAt, takeWorkosDown } from '../support/workos-faults.ts';
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

test('a settler that reads a list has its row for as long as the list may take', async () => {
  const acme = await service.organizations.add();
  const key = await createKey(service, await acme.session());
  const row = () => service.db('api_keys').where({ workos_id: key.id });
  const { id } = await row().first('id');
  const lost = { status: 'failed', workos_id: null, prefix: null, secret_hash: null, due_at: service.clock() };
  await row().update(lost);
  failAt(service, 'list', { kind: 'latency', ms: 1_500 });
  const lists = () => workosRequests(service, 'GET', `/organizations/${acme.id}/api_keys`);
  const first = settle();
  const attempts = async () => (await service.db('api_keys').where({ id }).first('attempts')).attempts;
  await expect.poll(attempts, { interval: 5 }).toBe(1);
  // The lease of a row without a list would be over.
  service.clock.advance(35_000);
  await settle();
  expect(await attempts()).toBe(1);
  await first;
  expect([lists(), await keysAtWorkos(service, acme.id)]).toEqual([1, []]);
});
