import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { connectDatabase } from '../../src/db/connect.ts';
import { isDatabaseUnavailable } from '../../src/db/pg-errors.ts';
import { runChild } from '../support/child.ts';
import { environment } from '../support/service.ts';
import { makeClient } from './client.ts';
import { startCluster } from './cluster.ts';

const DELAY_MS = 2_000;

const cluster = await startCluster({ synchronous: false });
const { primary, standby, workos } = cluster;
const standbyFirst = `postgres://postgres@127.0.0.1:${standby.port},127.0.0.1:${primary.port}/postgres`;

test('a start against a standby says so and stops; of several servers the primary is taken, wherever it stands', async () => {
  const refused = await runChild(process.execPath, ['src/main.ts'], {
    env: { ...environment(workos), DATABASE_URL: standby.url, PORT: '0' },
  });
  expect([refused.code, refused.stderr]).toEqual([
    1,
    expect.stringMatching(/^The database cannot be reached: .*standby/),
  ]);
  const db = connectDatabase({ url: standbyFirst, poolMax: 1 });
  const { rows } = await db.raw<{ rows: { standby: boolean }[] }>('select pg_is_in_recovery() as standby');
  await db.destroy();
  expect(rows).toEqual([{ standby: false }]);
});

test('a write that meets a standby counts as the database being unavailable, and ends the connection', async () => {
  const db = connectDatabase({ url: standby.url, poolMax: 1 });
  const pid = async () => (await db.raw<{ rows: { pid: number }[] }>('select pg_backend_pid() as pid')).rows[0]?.pid;
  const before = await pid();
  const error: unknown = await db('invalidations')
    .insert({ organization_id: 'org_a' })
    .catch((caught: unknown) => caught);
  expect(error).toMatchObject({ code: '25006' });
  expect(isDatabaseUnavailable(error)).toBe(true);
  await sleep(100);
  expect(await pid()).not.toBe(before);
  await db.destroy();
});

test('on SIGTERM a replica is not ready at once, and goes on answering for the delay', async () => {
  const replica = await cluster.replica(standbyFirst, { env: { SHUTDOWN_DELAY_MS: `${DELAY_MS}` } });
  const client = await makeClient(cluster, [replica]);
  const key = await client.create(replica);
  const from = performance.now();
  replica.kill('SIGTERM');
  await sleep(DELAY_MS / 2);
  expect(await client.ready(replica)).toBe(503);
  expect((await client.verify(replica, key)).code).toBe('valid');
  expect((await replica.child.exited).code).toBe(0);
  expect(performance.now() - from).toBeGreaterThanOrEqual(DELAY_MS);
});
