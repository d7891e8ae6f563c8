import { afterAll, expect, it } from 'vitest';
import { makeReplicas } from '../../src/background/replicas.ts';
import { makeContainer } from '../../src/app/container.ts';
import { listen } from '../../src/http/server/server.ts';
import { makeFairTurns } from '../../src/limits/fair-turns.ts';
import { call } from '../support/api.ts';
import { freshDatabase } from '../support/database.ts';
import { addKeys } from '../support/many-keys.ts';
import { startService } from '../support/service.ts';
import { keysAtWorkos } from '../support/workos-keys.ts';

const { db, close } = await freshDatabase();
afterAll(close);

it('counts the replicas that answer and those that run loops, including itself', async () => {
  const roles = ['all', 'api', 'api', 'worker'] as const;
  const replicas = roles.map((role) => makeReplicas({ db, role }));
  const [all, api] = [replicas[0]!, replicas[1]!];
  expect([all.answering(), all.working()]).toEqual([1, 1]);
  for (let i = 0; i < 2; i++) for (const { count } of replicas) await count();
  expect([all.answering(), all.working()]).toEqual([3, 2]);
  // It runs no loops of its own, and would be one more.
  expect([api.answering(), api.working()]).toEqual([3, 3]);
});

it('does not count replicas that are gone, and deletes them', async () => {
  await db('replicas').delete();
  const [here, gone] = [makeReplicas({ db, role: 'all' }), makeReplicas({ db, role: 'all' })];
  await gone.count();
  await here.count();
  expect(here.working()).toBe(2);
  const ago = (seconds: number) => db.raw(`clock_timestamp() - ? * interval '1 second'`, [seconds]);
  await db('replicas').update({ seen_at: ago(30) });
  await here.count();
  expect(here.working()).toBe(1);
  await db('replicas').update({ seen_at: ago(90) });
  await here.count();
  expect(await db('replicas')).toHaveLength(1);
});

it('keeps the last count while the database does not answer', async () => {
  await db('replicas').delete();
  const [here, other] = [makeReplicas({ db, role: 'all' }), makeReplicas({ db, role: 'all' })];
  await other.count();
  await here.count();
  await db.schema.renameTable('replicas', 'replicas_away');
  await expect(here.count()).rejects.toThrow(/does not exist/);
  await db.schema.renameTable('replicas_away', 'replicas');
  expect(here.working()).toBe(2);
});

const PER_SECOND = 10;
const KEYS = 32;
const CHANGES_PER_SECOND = 2;
const CREATES = 10;

const settling = await startTwo({ WORKOS_SETTLEMENTS_PER_SECOND: String(PER_SECOND) });
const making = await startTwo({ WORKOS_KEY_CHANGES_PER_SECOND: String(CHANGES_PER_SECOND) });

/** Two services on one database that know of each other. */
async function startTwo(env: Record<string, string>) {
  const service = await startService(env);
  const other = makeContainer({ ...service.parts, strict: true });
  other.trust.proven(Infinity);
  const { url, close: closeServer } = await listen(other.app, { host: '127.0.0.1', port: 0 });
  afterAll(() => closeServer(1_000));
  const second = { url, background: other.background };
  for (let i = 0; i < 2; i++)
    for (const { background } of [service, second]) await background.runOnce('count_replicas');
  return { service, second };
}

it('two replicas together delete keys at WorkOS at the rate of one', async () => {
  const { service, second } = settling;
  const acme = await service.organizations.add();
  await addKeys(service, acme.id, KEYS);
  const now = service.clock();
  await service
    .db('api_keys')
    .where({ organization_id: acme.id })
    .update({ status: 'revoked', revoked_at: now, due_at: now });
  const from = performance.now();
  await Promise.all([service, second].map(({ background }) => background.runOnce('settle')));
  const seconds = (performance.now() - from) / 1_000;
  expect(await keysAtWorkos(service, acme.id)).toEqual([]);
  // Each begins at once.
  expect((KEYS - 2) / seconds).toBeLessThanOrEqual(PER_SECOND);
});

it('two replicas together create keys at WorkOS at the rate of one', async () => {
  const { service, second } = making;
  const owner = await (await service.organizations.add({ status: 'active', plan: 'scale' })).session();
  const body = { label: 'a key', permission_set: 'read_only' };
  const statusAt = async (at: { url: string }) =>
    (await call(at, 'POST', '/v1/api-keys', { token: owner, body })).status;
  const make = async (at: { url: string }) => {
    while ((await statusAt(at)) !== 201);
  };
  // What a first request costs is no part of the rate.
  for (const at of [service, second]) await call(at, 'GET', '/v1/api-keys', { token: owner });
  const from = performance.now();
  await Promise.all([service, second].flatMap((at) => Array.from({ length: CREATES / 2 }, () => make(at))));
  const seconds = (performance.now() - from) / 1_000;
  // After a rest as many at once as in a second.
  expect((CREATES - CHANGES_PER_SECOND) / seconds).toBeLessThanOrEqual(CHANGES_PER_SECOND);
});

it('gives a replica its share of all turns, and at least one after a rest', () => {
  let nowMs = 0;
  let processes = 2;
  const turns = makeFairTurns({ perSecond: 10, replicas: () => processes, maxWaitMs: 0, nowMs: () => nowMs });
  const takeAll = () => {
    let taken = 0;
    while (turns.turnNow()) taken++;
    return taken;
  };
  expect(takeAll()).toBe(5);
  nowMs += 400;
  expect(takeAll()).toBe(2);
  processes = 40;
  nowMs += 4_000;
  expect(takeAll()).toBe(1);
  processes = 1;
  nowMs += 1_000;
  expect(takeAll()).toBe(10);
});
