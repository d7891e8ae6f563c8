import { afterEach, describe, expect, test } from 'vitest';
import { call, createKey } from '../support/api.ts';
import { restartWith } from '../support/restart.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';
import { makeStuck } from '../support/stuck.ts';
import { keysAtWorkos } from '../support/workos-keys.ts';

const ENV = { LATCHKEY_SECRET: 'a secret that all replicas of these tests have' };
const SKEW_MS = 120_000;
const LATER_MS = 10 * 60_000;
const stuck = makeStuck();
const service = await startService(ENV, { at: stuck.at });
const { db, clock } = service;

afterEach(() => stuck.release('goOn'));

/** Another replica on the same database and WorkOS, whose clock is so far from theirs. */
function replica(skewMs: number) {
  const skewed = Object.assign(() => new Date(clock().getTime() + skewMs), { advance: clock.advance });
  return restartWith({ ...service, clock: skewed }, ENV);
}
type Replica = Awaited<ReturnType<typeof replica>>;

/** What is left over is done, by whichever replica comes first. */
async function settle(replicas: readonly Pick<Replica, 'background'>[]): Promise<void> {
  for (let round = 0; round < 2; round++) {
    for (const { background } of replicas)
      for (const loop of ['events', 'decommission', 'settle']) await background.runOnce(loop);
    clock.advance(LATER_MS);
  }
}

// Of two moments that are over it does not matter which is the earlier one.
const endOf = (end: Date | null) => (end && end <= clock() ? 'over' : end?.toISOString());

/** Every active row has its key at WorkOS, with the same end, no other row has one, and nothing is left to do. */
async function expectAgreement(organization_id: string): Promise<string[]> {
  const rows = await db('api_keys').where({ organization_id });
  const active = rows.filter(({ status }) => status === 'active');
  const there = await keysAtWorkos(service, organization_id);
  expect(new Map(there.map(({ id, expires_at: end }) => [id, endOf(end === null ? null : new Date(end))]))).toEqual(
    new Map(active.map(({ workos_id: id, expires_at: end }) => [id, endOf(end)])),
  );
  expect(rows.filter(({ due_at: due }) => due !== null)).toEqual([]);
  return active.map(({ workos_id: id }) => id as string);
}

describe.each([
  ['ahead of', SKEW_MS],
  ['behind', -SKEW_MS],
])('a replica whose clock is two minutes %s that of the others', (_how, skewMs) => {
  test.each(['create.reserved', 'create.issued'])(
    'settles what another one is making at %s: the key is whole, or nothing is left of it',
    async (point) => {
      const other = await replica(skewMs);
      const acme = await service.organizations.add();
      stuck.stopAt(point);
      const body = { label: 'a key', permission_set: 'read_only' };
      const making = call(service, 'POST', '/v1/api-keys', { token: await acme.session(), body });
      await expect.poll(stuck.standing, { interval: 5 }).toBe(1);
      await other.background.runOnce('settle');
      stuck.release('goOn');
      const { status, body: answer } = await making;
      await settle([service, other]);
      const active = await expectAgreement(acme.id);
      // Two minutes ahead, the maker counts as dead.
      expect([status, active]).toEqual(skewMs > 0 ? [503, []] : [201, [answer['id']]]);
    },
  );

  test('changes, rotates and revokes keys of other replicas, and they its own', async () => {
    const other = await replica(skewMs);
    const acme = await service.organizations.add();
    const token = await acme.session('owner', { exp: Math.floor(clock().getTime() / 1_000) + 3_600 });
    const ask = (at: { url: string }, method: string, path: string, body?: object) =>
      call(at, method, `/v1/api-keys/${path}`, { token, ...(body && { body }) });
    const end = new Date(clock().getTime() + 60 * 60_000).toISOString();
    const kept: string[] = [];
    for (const [first, second] of [
      [service, other],
      [other, service],
    ] as const) {
      const changed = await createKey(first, token);
      expect((await ask(second, 'PATCH', changed.id, { expires_at: end })).body['expires_at']).toBe(end);
      const rotated = await createKey(first, token);
      const answer = await ask(second, 'POST', `${rotated.id}/rotate`);
      expect(answer.status).toBe(201);
      const revoked = await createKey(first, token);
      expect((await ask(second, 'DELETE', revoked.id)).status).toBe(200);
      kept.push(changed.id, String(answer.body['id']));
    }
    // What ended at once by the clock that is ahead has ended by the others, too.
    clock.advance(SKEW_MS);
    for (const { background } of [other, service])
      for (const loop of ['events', 'settle']) await background.runOnce(loop);
    const { body } = await call(service, 'GET', '/v1/api-keys?limit=100&status=active', { token });
    expect(new Set(body.data.map((key) => (key as unknown as { id: string }).id))).toEqual(new Set(kept));
    await settle([other, service]);
    expect(await expectAgreement(acme.id)).toEqual(expect.arrayContaining(kept));
  });

  test('decommissions an organization by its own clock, and the other replica leaves no key', async () => {
    const other = await replica(skewMs);
    const acme = await service.organizations.add();
    const token = await acme.session();
    for (const at of [service, other]) await createKey(at, token);
    const at = new Date(clock().getTime() + SKEW_MS / 2).toISOString();
    const body = { status: 'decommissioning', decommission_at: at };
    await call(service, 'PUT', `/v1/organizations/${acme.id}/billing`, { token: SERVICE_TOKEN, body });
    await other.background.runOnce('decommission');
    const left = await db('api_keys').where({ organization_id: acme.id, status: 'active' });
    expect(left).toHaveLength(skewMs > 0 ? 0 : 2);
    clock.advance(SKEW_MS / 2 + 1);
    await service.background.runOnce('decommission');
    const wanted = { label: 'late', permission_set: 'read_only' };
    for (const each of [service, other])
      expect((await call(each, 'POST', '/v1/api-keys', { token, body: wanted })).status).toBe(423);
    await settle([other, service]);
    expect(await expectAgreement(acme.id)).toEqual([]);
  });
});
