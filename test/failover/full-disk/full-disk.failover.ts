import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { connectDatabase } from '../../../src/db/connect.ts';
import { migrate } from '../../../src/db/migrations.ts';
import { startEmulator } from '../../../src/emulator/emulator.ts';
import { makeTestClock } from '../../support/clock.ts';
import { makeOrganizations } from '../../support/organizations.ts';
import { emptySeed, environment } from '../../support/service.ts';
import { makeClient, say } from '../client.ts';
import { answers, ask, makeStartReplica } from '../cluster.ts';
import { becomesReady } from '../load.ts';
import { startPrimaryOnSmallDisk } from '../postgres.ts';
import { recording } from '../recording.ts';

/** Writes by which one needs room that there is not. */
const MOST = 300;

const workos = await startEmulator({ port: 0, stateFile: ':memory:', seed: emptySeed });
afterAll(() => workos.close());
const startReplica = makeStartReplica();

/** A replica on a server with a small disk, with a client whose requests are recorded. */
async function startOnSmallDisk(...disk: Parameters<typeof startPrimaryOnSmallDisk>) {
  const server = await startPrimaryOnSmallDisk(...disk);
  const db = connectDatabase({ url: server.url, poolMax: 2, statementTimeoutMs: null });
  afterAll(() => db.destroy());
  await migrate(db);
  const replica = await startReplica({ ...environment(workos), DATABASE_URL: server.url }, {});
  const organizations = makeOrganizations({ db, workos, clock: makeTestClock() });
  return { server, replica, ...recording(await makeClient({ organizations }, [replica])) };
}

const tables = await startOnSmallDisk(80, 'tables');
const wal = await startOnSmallDisk(16, 'wal');

/** Repeats a write until it is not acknowledged. @returns how many were */
async function until(refused: (i: number) => Promise<boolean>): Promise<number> {
  for (let i = 0; i < MOST; i++) if (await refused(i)) return i;
  throw new Error('the disk did not get full');
}

test('without room for tables writes answer 503 and checks go on; with room again everything does', async () => {
  const { server, replica, client, violations } = tables;
  const [kept, doomed] = [await client.create(replica), await client.create(replica)];
  await client.warm(replica, kept);
  server.fill();
  const made = await until(async () => (await client.tryCreate(replica)) === undefined);
  const refused = await fetch(`${replica.url}/v1/api-keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await client.acme.session()}`, 'content-type': 'application/json' },
    body: JSON.stringify({ label: 'a key', permission_set: 'read_only' }),
  });
  expect([refused.status, await refused.json()]).toEqual([
    503,
    expect.objectContaining({ error: expect.objectContaining({ code: 'database_unavailable' }) }),
  ]);
  await client.revoke(replica, doomed);
  expect(await client.verify(replica, kept)).toMatchObject({ status: 200, code: 'valid', stale: false });
  expect(await client.ready(replica)).toBe(200);

  server.makeRoom();
  await expect.poll(() => client.tryCreate(replica), { timeout: 20_000 }).toBeDefined();
  expect(await client.revoke(replica, kept)).toBe('ok');
  const { found, judged } = await violations([replica]);
  expect(found).toEqual([]);
  say(`${made} keys until the tables' disk was full; ${judged}`);
});

test('without room for WAL PostgreSQL stops and everything is refused; once it has room, nothing acknowledged is lost', async () => {
  const { server, replica, client, violations } = wal;
  const kept = await client.create(replica);
  await client.warm(replica, kept);
  server.fill();
  const changed = await until(async (i) => {
    // Of each megabyte of WAL little is used, which takes less time than to use all.
    await ask(server, 'select pg_switch_wal()').catch(() => undefined);
    return (await client.bill(replica, i % 2 ? 'active' : 'past_due')) !== 'ok';
  });
  await expect.poll(() => client.ready(replica), { timeout: 20_000 }).toBe(503);
  expect(await client.verify(replica, kept)).toMatchObject({ status: 503, code: 'database_unavailable' });

  server.makeRoom();
  await server.begin().catch(() => undefined);
  await answers(server);
  await becomesReady(client, replica);
  await sleep(1_000);
  expect((await client.verify(replica, kept)).code).toBe('valid');
  expect(await client.revoke(replica, kept)).toBe('ok');
  const { found, judged } = await violations([replica]);
  expect(found).toEqual([]);
  say(`${changed} changes until the disk of the WAL was full; ${judged}`);
});
