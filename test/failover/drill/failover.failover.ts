import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { makeClient, say } from '../client.ts';
import { ask, startCluster } from '../cluster.ts';
import { check } from '../history.ts';
import { becomesReady, countOf, readAll, startLoad } from '../load.ts';
import { commandsOf, play } from './steps.ts';

// docs/runbooks/procedures/failover.md, step by step and with its own commands.

const LOAD_MS = 2_000;
const LAG_MS = 1_500;
const CALM = { timeout: 20_000 };

const [promote, rebuild, waitForStandby] = commandsOf(
  'docs/runbooks/procedures/failover.md',
  'drill/failover.failover.ts',
) as [string, string, string];
const cluster = await startCluster({ synchronous: true });
const { primary, standby } = cluster;
// The standby was made from a primary that waits for one, as a copy of its settings shows in production.
await ask(standby, "alter system set synchronous_standby_names = 'ANY 1 (standby)'");
const [finding, named] = [await cluster.replica(cluster.both), await cluster.replica(primary.url)];
const client = await makeClient(cluster, [finding]);
const env = { STANDBY: standby.url, PGDATA: primary.data };
const replication = () => ask(standby, 'select application_name, state, sync_state from pg_stat_replication');
async function beatAge(): Promise<number> {
  const metrics = await (await fetch(`${finding.url}/metrics`)).text();
  return Number(/^latchkey_beat_age_seconds(?:\{.*\})? (\S+)$/m.exec(metrics)?.[1]);
}

// A second try would find the standby promoted, and hide why the first one failed.
test('after the commands of the page replicas write again, on two servers', { retry: 0 }, async () => {
  const load = startLoad(client, [finding]);
  await sleep(LOAD_MS);
  primary.kill();
  const killedAt = performance.now();
  await play(promote, { env });
  await becomesReady(client, finding);
  say(`failover: ready ${((performance.now() - killedAt) / 1e3).toFixed(1)} s after the primary was killed`);

  // A replica whose DATABASE_URL names the lost server alone stays down until that is changed.
  await expect.poll(() => client.ready(named), CALM).toBe(503);
  named.kill('SIGTERM');
  const renamed = await cluster.replica(standby.url);
  await becomesReady(client, renamed);

  await play(rebuild, { env, as: 'database' });
  await primary.begin();
  await expect
    .poll(replication, CALM)
    .toEqual([expect.objectContaining({ application_name: 'standby_b', state: 'streaming' })]);
  await play(waitForStandby, { env });
  await expect
    .poll(replication, CALM)
    .toEqual([expect.objectContaining({ application_name: 'standby_b', sync_state: 'quorum' })]);
  say(`failover: two servers again after ${((performance.now() - killedAt) / 1e3).toFixed(1)} s`);

  await sleep(LAG_MS);
  const before = load.history.writes.length;
  const writesSince = () => load.history.writes.slice(before).some(({ outcome }) => outcome === 'ok');
  await expect.poll(writesSince, CALM).toBe(true);
  const history = await load.stop();
  const replicas = [finding, renamed];
  expect(check(history, await readAll(client, replicas, history))).toEqual([]);
  say(`failover: ${countOf(history)}; nothing acknowledged lost`);
  expect(await ask(primary, 'select pg_is_in_recovery() as is')).toEqual([{ is: true }]);
  await expect.poll(beatAge, CALM).toBeLessThan(1);
});
