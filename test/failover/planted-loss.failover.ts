import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { makeClient, say } from './client.ts';
import { answers, startCluster } from './cluster.ts';
import { check } from './history.ts';
import { countOf, readAll, startLoad } from './load.ts';

const LOAD_MS = 2_000;

const cluster = await startCluster({ synchronous: false });
const { primary, standby } = cluster;
const replicas = await Promise.all([cluster.replica(cluster.both), cluster.replica(cluster.both)] as const);
const client = await makeClient(cluster, replicas);

test('the checker finds what an asynchronous standby has not received when the primary dies', async () => {
  const load = startLoad(client, replicas);
  await sleep(LOAD_MS);
  standby.signalReceiver('SIGSTOP');
  await sleep(LOAD_MS);
  primary.kill();
  standby.signalReceiver('SIGKILL');
  await answers(standby);
  await standby.promote();
  const history = await load.stop();
  const found = check(history, await readAll(client, replicas, history));
  say(`${countOf(history)}; the checker found ${found.length} losses, such as: ${found[0]}`);
  expect(found.length).toBeGreaterThan(0);
  expect(found.join('\n')).toMatch(/was acknowledged/);
});
