import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { connectDatabase } from '../../../src/db/connect.ts';
import { startEmulator } from '../../../src/emulator/emulator.ts';
import { runEntry } from '../../process/start.ts';
import { runChild } from '../../support/child.ts';
import { makeTestClock } from '../../support/clock.ts';
import { makeOrganizations } from '../../support/organizations.ts';
import { emptySeed, environment } from '../../support/service.ts';
import { makeClient, say } from '../client.ts';
import { ask, makeStartReplica } from '../cluster.ts';
import { checkOutLastRelease } from '../last-release.ts';
import { makeBalancer, startTraffic } from '../load.ts';
import { startPrimary } from '../postgres.ts';
import { commandsOf, play } from './steps.ts';

// docs/runbooks/procedures/rollback.md with its own commands: to the last release, by processes that start, and forward again. Then
// both releases at once during a migration. Tests of this file need each other, in their order.

/** What a balancer and requests under way need before a replica may go. */
const DRAIN_MS = 500;
const LOAD_MS = 1_000;
const MOST_STARTS = 10;
const FEW_STARTS = 2;

const [setAside, putBack] = commandsOf('docs/runbooks/procedures/rollback.md', 'drill/rollback.failover.ts') as [
  string,
  string,
];
const root = checkOutLastRelease();
const workos = await startEmulator({ port: 0, stateFile: ':memory:', seed: emptySeed });
afterAll(() => workos.close());
const database = await startPrimary();
const given = { ...environment(workos), DATABASE_URL: database.url };
const startReplica = makeStartReplica();
const startOld = () => startReplica(given, { root });
const startNew = () => startReplica(given);
const migrateOld = (env = given) => runChild(process.execPath, ['src/migrate.ts'], { cwd: root, env });
const verified = () => runEntry('cli/audit-verify', given);

// A database that began with this release has never been the last one's, which could not write its audit log.
for (const upgrade of [() => migrateOld(), () => runEntry('cli/migrate', given)]) {
  const { code, stderr } = await upgrade();
  if (code !== 0) throw new Error(`the database is not migrated: ${stderr}`);
}
const db = connectDatabase({ url: database.url, poolMax: 2, statementTimeoutMs: null });
afterAll(() => db.destroy());
const names = async () =>
  (await ask(database, 'select name from knex_migrations order by name')).map(({ name }) => name);

test('the last release starts again by the commands of the page, under load, and this one after it', async () => {
  const env = { OWNER: database.url };
  const all = await names();
  let serving = await startNew();
  const balancer = makeBalancer([serving]);
  const organizations = makeOrganizations({ db, workos, clock: makeTestClock() });
  const client = await makeClient({ organizations }, [serving]);
  const kept = await client.create(serving);
  await expect(startOld()).rejects.toThrow(/migration directory is corrupt/);

  const traffic = startTraffic(client, balancer);
  const replace = async (start: typeof startNew) => {
    const leaving = serving;
    serving = await start();
    balancer.set([serving]);
    await sleep(DRAIN_MS);
    leaving.kill('SIGTERM');
    await leaving.child.exited;
    await sleep(LOAD_MS);
  };
  const from = performance.now();
  await play(setAside, { env });
  await replace(startOld);
  say(`rollback: the last release serves ${((performance.now() - from) / 1e3).toFixed(1)} s after the first command`);
  expect((await client.verify(serving, kept)).code).toBe('valid');

  await play(putBack, { env });
  expect(await names()).toEqual(all);
  expect(await runEntry('cli/migrate', given)).toMatchObject({ code: 0, stdout: 'The database is up to date.\n' });
  await replace(startNew);
  const { requests, failures } = await traffic.stop();
  say(`rollback: ${requests} requests, ${failures.length} failed`);
  expect(failures).toEqual([]);
  expect(requests).toBeGreaterThan(20);
  const { code, stdout } = await verified();
  // 3: what the last release wrote has no key; 2 would be a broken chain.
  expect(code).toBeOneOf([0, 3]);
  expect(stdout).not.toMatch(/BROKEN/);
});

/** Starts a process as a supervisor does, again after each refusal. @returns what it said when it refused */
async function supervised(start: typeof startNew, most: number): Promise<string[]> {
  const refusals: string[] = [];
  while (refusals.length < most)
    try {
      await start();
      return refusals;
    } catch (error) {
      refusals.push((error as Error).message);
      await sleep(DRAIN_MS);
    }
  return refusals;
}

const NOT_YET = /The database is behind by \d+ migrations .*Run: npm run migrate/;
const TOO_OLD = /migration directory is corrupt/;
const LOCKED = /Migration table is already locked/;

test.each([
  ['on the schema of the last release, under its load', true],
  ['on an empty database', false],
])(
  'two releases that migrate and start at once, %s: this one serves, and the last says why it does not',
  async (_on, isOld) => {
    const name = isOld ? 'of_the_last_release' : 'empty';
    await ask(database, `create database ${name}`);
    const url = database.url.replace(/postgres$/, name);
    const env = { ...given, DATABASE_URL: url };
    const own = connectDatabase({ url, poolMax: 2, statementTimeoutMs: null });
    try {
      const traffic = isOld ? await serveByOld(env, own) : undefined;
      const [mine, theirs, mineStarted, theirsStarted] = await Promise.all([
        runEntry('cli/migrate', env),
        migrateOld(env),
        supervised(() => startReplica(env), MOST_STARTS),
        supervised(() => startReplica(env, { root }), FEW_STARTS),
      ]);
      expect(mine).toMatchObject({ code: 0 });
      expect(theirs.code === 0 ? 'succeeded' : theirs.stderr).toMatch(
        new RegExp(`^succeeded$|${TOO_OLD.source}|${LOCKED.source}|already exists`),
      );
      expect(mineStarted.length).toBeLessThan(MOST_STARTS);
      for (const refusal of mineStarted) expect(refusal).toMatch(NOT_YET);
      for (const refusal of theirsStarted)
        expect(refusal).toMatch(new RegExp(`${TOO_OLD.source}|${NOT_YET.source}|already exists`));
      const [last] = await ask({ url }, 'select count(*) as n, count(distinct name) as distinct from knex_migrations');
      expect(Number(last?.['distinct'])).toBe((await names()).length);
      expect(await runEntry('cli/migrate', env)).toMatchObject({ code: 0, stdout: 'The database is up to date.\n' });
      const { failures = [], requests = 0 } = (await traffic?.stop()) ?? {};
      say(
        `two releases at once (${name}): ${mineStarted.length} and ${theirsStarted.length} refused starts; ${requests} requests, ${failures.length} failed`,
      );
      expect(failures).toEqual([]);
    } finally {
      await own.destroy();
    }
  },
);

async function serveByOld(env: typeof given, own: typeof db) {
  const migrated = await migrateOld(env);
  expect(migrated).toMatchObject({ code: 0 });
  const serving = await startReplica(env, { root });
  const organizations = makeOrganizations({ db: own, workos, clock: makeTestClock() });
  const client = await makeClient({ organizations }, [serving]);
  return startTraffic(client, makeBalancer([serving]));
}
