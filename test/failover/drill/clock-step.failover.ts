import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { connectDatabase } from '../../../src/db/connect.ts';
import { migrate } from '../../../src/db/migrations.ts';
import { startEmulator } from '../../../src/emulator/emulator.ts';
import { makeTestClock } from '../../support/clock.ts';
import { makeOrganizations } from '../../support/organizations.ts';
import { emptySeed, environment } from '../../support/service.ts';
import { makeClient } from '../client.ts';
import { makeStartReplica } from '../cluster.ts';
import { startPrimary } from '../postgres.ts';
import { commandsOf, play } from './steps.ts';

// What docs/runbooks/clock-stepped.md says of a host whose clock is set while Latchkey runs, with its own command.

const HOUR_S = 3_600;
const LIFETIME_MS = 3_000;

const [watch] = commandsOf('docs/runbooks/clock-stepped.md', 'drill/clock-step.failover.ts') as [string];
const folder = mkdtempSync(join(tmpdir(), 'latchkey-clock-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const offset = join(folder, 'offset');
/** Sets the wall clock of the replica, so many seconds from that of this machine. */
const setClock = (seconds: number) => writeFileSync(offset, `${seconds < 0 ? '' : '+'}${seconds}\n`);
setClock(0);

const workos = await startEmulator({ port: 0, stateFile: ':memory:', seed: emptySeed });
afterAll(() => workos.close());
const database = await startPrimary();
const db = connectDatabase({ url: database.url, poolMax: 2, statementTimeoutMs: null });
afterAll(() => db.destroy());
await migrate(db);
const startReplica = makeStartReplica();
// The monotonic clock is unchanged, as when an operator sets the clock of a machine.
const env = { DONT_FAKE_MONOTONIC: '1', FAKETIME_NO_CACHE: '1', FAKETIME_TIMESTAMP_FILE: offset };
// What `faketime` is given at the start comes before the file.
const under = ['faketime', '-f', '+0', 'env', '--unset=FAKETIME'];
const start = () => startReplica({ ...environment(workos), DATABASE_URL: database.url }, { env, under });
const replica = await start();
const organizations = makeOrganizations({ db, workos, clock: makeTestClock() });
const client = await makeClient({ organizations }, [replica]);

async function aheadAt(at: { url: string }): Promise<number> {
  const shown = await play(watch, { at: { 'http://127.0.0.1:3000': at.url } });
  return Number(/ (\S+)\n$/.exec(shown)?.[1]);
}

test('a clock that steps back brings no expired key back, and the metric says by how much it is behind', async () => {
  const key = await client.create(replica, { expires_at: new Date(Date.now() + LIFETIME_MS).toISOString() });
  const kept = await client.create(replica);
  expect((await client.verify(replica, key)).code).toBe('valid');
  await sleep(LIFETIME_MS);
  expect((await client.verify(replica, key)).code).toBe('expired');
  expect(await aheadAt(replica)).toBeLessThan(1);

  setClock(-HOUR_S);
  expect((await client.verify(replica, key)).code).toBe('expired');
  expect((await client.verify(replica, kept)).code).toBe('valid');
  expect(await client.ready(replica)).toBe(200);
  expect(Math.round((await aheadAt(replica)) / 60)).toBe(60);
  expect(replica.child.stdout()).toContain('wall clock stepped back; continuing by the monotonic clock');

  // The operator repairs the clock.
  setClock(0);
  await expect.poll(() => aheadAt(replica)).toBeLessThan(1);
  expect((await client.verify(replica, key)).code).toBe('expired');
});

const inHalfAnHour = () => ({ expires_at: new Date(Date.now() + (HOUR_S / 2) * 1_000).toISOString() });

test('a step ahead that is undone soon leaves nothing behind', async () => {
  const soon = await client.create(replica, inHalfAnHour());
  setClock(HOUR_S);
  expect((await client.verify(replica, soon)).code).toBe('expired');
  setClock(0);
  expect((await client.verify(replica, soon)).code).toBe('valid');
  expect(await aheadAt(replica)).toBeLessThan(1);
});

test('a clock that was far ahead for long and is right again is right after a restart alone', async () => {
  const soon = await client.create(replica, inHalfAnHour());
  setClock(HOUR_S);
  const ahead = await start();
  expect((await client.verify(ahead, soon)).code).toBe('expired');
  setClock(0);
  expect((await client.verify(ahead, soon)).code).toBe('expired');
  expect(Math.round((await aheadAt(ahead)) / 60)).toBe(60);
  ahead.kill('SIGTERM');
  await ahead.child.exited;
  const restarted = await start();
  expect((await client.verify(restarted, soon)).code).toBe('valid');
  expect(await aheadAt(restarted)).toBeLessThan(1);
});
