import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { makeClient, say } from './client.ts';
import { startCluster } from './cluster.ts';
import { check, stalestMs } from './history.ts';
import { becomesReady, countOf, readAll, startLoad } from './load.ts';
import { record } from './results.ts';

const LOAD_MS = 3_000;
const LAG_MS = 1_500;

const cluster = await startCluster({ synchronous: true });
const { primary, standby } = cluster;
const replicas = await Promise.all([cluster.replica(cluster.both), cluster.replica(cluster.both)] as const);
const client = await makeClient(cluster, replicas);

test('the primary killed and the standby promoted under load: nothing acknowledged is lost', async () => {
  const load = startLoad(client, replicas);
  await sleep(LOAD_MS);
  primary.kill();
  await standby.promote();
  const from = performance.now();
  await Promise.all(replicas.map((replica) => becomesReady(client, replica)));
  const backMs = performance.now() - from;
  await sleep(LAG_MS);
  const before = load.history.writes.length;
  await sleep(LAG_MS);
  expect(load.history.writes.slice(before).some(({ outcome }) => outcome === 'ok')).toBe(true);
  const history = await load.stop();
  expect(history.writes.filter(({ outcome }) => outcome === 'ok').length).toBeGreaterThan(20);
  expect(check(history, await readAll(client, replicas, history))).toEqual([]);
  say(countOf(history));
  await record('promotion', standby, { ready: backMs, stalest: stalestMs(history) });
});
