import { describe, expect, test } from 'vitest';
import { call, createKey, verifyKey } from '../support/api.ts';
import { makeDashboardKey } from '../support/at-workos.ts';
import { listenToInvalidations } from '../support/event-stream.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';

const service = await startService();
const acme = await service.organizations.add();
const owner = await acme.session('owner');

type Readings = Readonly<Record<string, number>>;

/** Reads a metric: its values by the label, or under `''` without one. */
async function read(name: string): Promise<Readings> {
  const text = await (await fetch(`${service.url}/metrics`)).text();
  const lines = text.matchAll(new RegExp(`^${name}(?:\\{\\w+="(\\w+)"\\})? (\\S+)$`, 'gm'));
  return Object.fromEntries(Array.from(lines, ([, label = '', value]) => [label, Number(value)]));
}

/** Returns by how much each value of a metric has changed through `work`; those that have not are left out. */
async function changesOf(name: string, work: () => Promise<unknown>): Promise<Readings> {
  const before = await read(name);
  expect(before).not.toEqual({});
  await work();
  const after = Object.entries(await read(name)).map(
    ([label, value]) => [label, value - (before[label] ?? 0)] as const,
  );
  return Object.fromEntries(after.filter(([, change]) => change !== 0));
}

const reads = (work: () => Promise<unknown>) => changesOf('latchkey_key_reads_total', work);

describe('latchkey_key_reads_total', () => {
  test('counts each verification where its answer says that the key was found', async () => {
    const key = await createKey(service, owner);
    const { value } = await makeDashboardKey(service, acme.id);
    const verified = [
      { key: key.value, source: 'mirror' },
      { key: key.value, source: 'cache' },
      { key: key.value, source: 'cache' },
      { key: value, source: 'workos' },
      { key: value, source: 'cache' },
      { key: 'sk_nobodys_key_but_long_enough', source: null },
    ];
    const changes = await reads(async () => {
      for (const { key: presented, source } of verified)
        expect((await verifyKey(service, { key: presented })).body).toMatchObject({ source });
    });
    expect(changes).toEqual({ cache: 3, mirror: 1, workos: 1, none: 1 });
  });

  test('counts each key of many', async () => {
    const [known, other] = [await createKey(service, owner), await createKey(service, owner)];
    await verifyKey(service, { key: known.value });
    const keys = [known.value, other.value, 'sk_nobodys_key_but_long_enough'].map((key) => ({ key }));
    expect(await reads(() => verifyKey(service, { keys }))).toEqual({ cache: 1, mirror: 1, none: 1 });
  });

  test('counts a refused key, a key of a proxied request, and a key that calls Latchkey', async () => {
    const key = await createKey(service, owner);
    const changes = await reads(async () => {
      await verifyKey(service, { key: key.value, scopes: ['tasks:write'] });
      await call(service, 'GET', '/v1/auth/forward', { token: key.value });
      await call(service, 'GET', '/v1/organization', { token: key.value });
    });
    expect(changes).toEqual({ mirror: 1, cache: 2 });
  });
});

test('latchkey_key_cache_entries is how many keys are in memory', async () => {
  const [first, second] = [await createKey(service, owner), await createKey(service, owner)];
  const verifyBoth = async () => {
    for (const { value } of [first, second]) await verifyKey(service, { key: value });
  };
  expect(await changesOf('latchkey_key_cache_entries', verifyBoth)).toEqual({ '': 2 });
  const revoke = () => call(service, 'DELETE', `/v1/api-keys/${first.id}`, { token: owner });
  expect(await changesOf('latchkey_key_cache_entries', revoke)).toEqual({ '': -1 });
});

test('latchkey_invalidation_streams is how many streams are open', async () => {
  const { close } = await listenToInvalidations(service, SERVICE_TOKEN);
  await listenToInvalidations(service, SERVICE_TOKEN);
  await expect.poll(() => read('latchkey_invalidation_streams')).toEqual({ '': 2 });
  close();
  await expect.poll(() => read('latchkey_invalidation_streams')).toEqual({ '': 1 });
});

test('latchkey_invalidations_total counts changes of keys and of organizations', async () => {
  const key = await createKey(service, owner);
  const changes = await changesOf('latchkey_invalidations_total', async () => {
    await call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token: owner });
    const body = { status: 'past_due' };
    await call(service, 'PUT', `/v1/organizations/${acme.id}/billing`, { token: SERVICE_TOKEN, body });
  });
  expect(changes).toEqual({ key: 1, organization: 1 });
});
