import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { makeUnsettledKeys } from '../../src/api-keys/rows/unsettled-keys.ts';
import { makeRateLimiter } from '../../src/background/rate-limiter.ts';
import { makeSettle } from '../../src/workos-sync/settle.ts';
import { call, createKey } from '../support/api.ts';
import type { CreatedKey } from '../support/api.ts';
import { plainItems } from '../support/plain-items.ts';
import { startService } from '../support/service.ts';
import { takeWorkosDown } from '../support/workos-faults.ts';
import { keysAtWorkos, workosRequests } from '../support/workos-keys.ts';

// Long enough for a machine that has other things to do: each request is counted.
const service = await startService({ WORKOS_TIMEOUT_MS: '5000' });

const settle = () => service.background.runOnce('settle');
const revoke = (token: string, id: string) => call(service, 'DELETE', `/v1/api-keys/${id}`, { token });

test('settle does the work once when two replicas run it together', async () => {
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

const LEASE_MS = 600;
const never = () => Promise.reject(new Error('nothing but the list is asked for'));

/** A settler whose list of keys at WorkOS comes to an end when the test says so. */
function slowSettler(listed: Promise<void>) {
  const { db, clock } = service;
  async function* listOrganizationKeys() {
    await listed;
    yield* [];
  }
  const workos = { heldMs: () => 0, listOrganizationKeys, listUserKeys: never, deleteKey: never, expireKey: never };
  return makeSettle({
    unsettled: makeUnsettledKeys(db),
    workosOf: () => workos as never,
    environments: ['live'],
    marker: { rowOf: () => undefined },
    rateLimiter: makeRateLimiter(1_000),
    items: plainItems,
    settleAfterMs: LEASE_MS,
    at: async () => undefined,
    clock,
    log: { info: () => undefined },
  });
}

test('settle renews its claim during a long listing, and loses it one lease after a crash', async () => {
  const acme = await service.organizations.add();
  const key = await createKey(service, await acme.session());
  const { id } = await service.db('api_keys').where({ workos_id: key.id }).first('id');
  const row = () => service.db('api_keys').where({ id }).first('attempts', 'due_at');
  const lost = { status: 'failed', workos_id: null, prefix: null, secret_hash: null, due_at: service.clock() };
  await service.db('api_keys').where({ id }).update(lost);
  const { promise: listed, resolve: endList } = Promise.withResolvers<void>();
  const only = { organizationId: acme.id, environment: 'live' } as const;
  const first = slowSettler(listed)({ only });
  for (const from = performance.now(); performance.now() - from < 3 * LEASE_MS;) {
    const { due_at: until } = await row();
    expect(until.getTime() - service.clock().getTime()).toBeLessThanOrEqual(LEASE_MS);
    await sleep(LEASE_MS / 4);
  }
  expect(await slowSettler(listed)({ only })).toBe(0);
  expect((await row()).attempts).toBe(1);
  endList();
  expect(await first).toBe(1);
  expect((await row()).due_at.getTime()).toBeGreaterThan(service.clock().getTime());
});
