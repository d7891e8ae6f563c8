import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { connectDatabase } from '../../src/db/connect.ts';
import { migrate } from '../../src/db/migrations.ts';
import { startEmulator } from '../../src/emulator/emulator.ts';
import { call } from '../support/api.ts';
import { runChild } from '../support/child.ts';
import { makeTestClock } from '../support/clock.ts';
import { makeOrganizations } from '../support/organizations.ts';
import { emptySeed, environment } from '../support/service.ts';
import { makeClient, say } from './client.ts';
import type { At } from './client.ts';
import { makeStartReplica } from './cluster.ts';
import { checkOutLastRelease } from './last-release.ts';
import { makeBalancer, startTraffic } from './load.ts';
import { startPrimary } from './postgres.ts';

const PHASE_MS = 2_000;
/** What a balancer and requests under way need before a replica may go. */
const DRAIN_MS = 500;

const root = checkOutLastRelease();
const workos = await startEmulator({ port: 0, stateFile: ':memory:', seed: emptySeed });
afterAll(() => workos.close());
const database = await startPrimary();
const given = { ...environment(workos), DATABASE_URL: database.url };
const db = connectDatabase({ url: database.url, poolMax: 2, statementTimeoutMs: null });
afterAll(() => db.destroy());

const migrated = await runChild(process.execPath, ['src/migrate.ts'], { cwd: root, env: given });
if (migrated.code !== 0) throw new Error(`the last release does not migrate: ${migrated.stderr}`);
const startReplica = makeStartReplica();
const startOld = () => startReplica(given, { root });
const startNew = () => startReplica(given, {});

test('replicas of the last release are replaced under load, and come back, without a failed request', async () => {
  const [parked, leaving] = await Promise.all([startOld(), startOld()]);
  const balancer = makeBalancer([parked, leaving]);
  const client = await makeClient({ organizations: makeOrganizations({ db, workos, clock: makeTestClock() }) }, [
    parked,
  ]);
  const traffic = startTraffic(client, balancer);
  const phase = async (replicas: readonly At[]) => {
    balancer.set(replicas);
    await sleep(PHASE_MS);
  };

  await phase([parked, leaving]);
  const added = await migrate(db);
  expect(added.length).toBeGreaterThan(0);
  await phase([parked, leaving]);
  const first = await startNew();
  await phase([parked, leaving, first]);
  await phase([parked, first]);
  leaving.kill('SIGTERM');
  const second = await startNew();
  await phase([first, second]);
  // Back. The last release starts on no newer schema, which this release does; it was kept running.
  await phase([parked, second]);
  await phase([parked]);
  await expectSuspensionKept(client, second, parked);
  await sleep(DRAIN_MS);
  const { requests, failures } = await traffic.stop();
  say(`${requests} requests over an upgrade and back, ${failures.length} failed`);
  expect(failures).toEqual([]);
  expect(requests).toBeGreaterThan(50);

  const audit = await runChild(process.execPath, ['src/cli/audit-verify.ts'], { env: given });
  // 3: what the last release wrote has no key; 2 would be a broken chain.
  expect(audit).toMatchObject({ code: expect.toBeOneOf([0, 3]), stderr: '' });
  expect(audit.stdout).not.toMatch(/BROKEN/);
});

/** What a replica of the last release does to a suspended key leaves the suspension as it is, and its revocation counts. */
async function expectSuspensionKept(
  client: Awaited<ReturnType<typeof makeClient>>,
  now: At,
  before: At,
): Promise<void> {
  const token = await client.acme.session();
  const key = await client.create(now);
  const path = `/v1/api-keys/${key.id}`;
  await call(now, 'POST', `${path}/suspend`, { token, body: { reason: 'of this release' } });
  const changed = await call(before, 'PATCH', path, { token, body: { label: 'changed by the last release' } });
  expect(changed.body).toMatchObject({ label: 'changed by the last release' });
  const kept = { label: 'changed by the last release', status: 'suspended', suspension_reason: 'of this release' };
  expect((await call(now, 'GET', path, { token })).body).toMatchObject(kept);
  expect((await client.verify(now, key)).code).toBe('suspended');
  expect(await client.revoke(before, key)).toBe('ok');
  await expect.poll(async () => (await client.verify(now, key)).code).toBe('revoked');
}

test('this release starts on the schema of a newer one', async () => {
  const newer = { name: '29991231235959_of_a_newer_release', batch: 99, migration_time: new Date() };
  await db('knex_migrations').insert(newer);
  const replica = await startNew();
  expect((await fetch(`${replica.url}/readyz`)).status).toBe(200);
});
