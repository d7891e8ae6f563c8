import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { connectDatabase } from '../../../src/db/connect.ts';
import { startEmulator } from '../../../src/emulator/emulator.ts';
import { runEntry } from '../../process/start.ts';
import { call } from '../../support/api.ts';
import { makeTestClock } from '../../support/clock.ts';
import { makeOrganizations } from '../../support/organizations.ts';
import { emptySeed, environment, SERVICE_TOKEN } from '../../support/service.ts';
import { makeClient, say } from '../client.ts';
import { ask, makeStartReplica } from '../cluster.ts';
import type { Env } from '../cluster.ts';
import { makeBalancer, startTraffic } from '../load.ts';
import { startPrimary } from '../postgres.ts';
import { commandsOf, play, variablesOf } from './steps.ts';

// docs/how-to/rotate-the-service-secret.md and docs/runbooks/procedures/new-secret.md, with their own commands, on two replicas
// under load that are restarted one by one. Tests of this file need each other, in their order.

const DRILL = 'drill/new-secret.failover.ts';
const METRICS = 'http://127.0.0.1:3000';
/** What a balancer and requests under way need before a replica may go. */
const DRAIN_MS = 500;
/** More than renewals of HMACs are gathered for. */
const RENEWAL_MS = 1_000;

const [announce, exchange, watch] = commandsOf('docs/how-to/rotate-the-service-secret.md', DRILL) as [
  string,
  string,
  string,
];
const [makeRole, dropRole] = commandsOf('docs/runbooks/procedures/new-secret.md', DRILL) as [string, string];
const OLD = randomBytes(32).toString('hex');

const workos = await startEmulator({ port: 0, stateFile: ':memory:', seed: emptySeed });
afterAll(() => workos.close());
const database = await startPrimary();
const migrated = await runEntryOnce();
if (migrated.code !== 0) throw new Error(`the database is not migrated: ${migrated.stderr}`);
await ask(database, 'create role latchkey_service login in role latchkey_app');
const db = connectDatabase({ url: database.url, poolMax: 2, statementTimeoutMs: null });
afterAll(() => db.destroy());
const startReplica = makeStartReplica();

let given: Env = { ...environment(workos), LATCHKEY_SECRET: OLD, DATABASE_URL: addressOf('latchkey_service') };
let replicas = await Promise.all([startReplica(given), startReplica(given)]);
const balancer = makeBalancer(replicas);
const client = await makeClient({ organizations: makeOrganizations({ db, workos, clock: makeTestClock() }) }, replicas);
const [used, unused] = [await client.create(replicas[0]), await client.create(replicas[0])];

function runEntryOnce() {
  return runEntry('cli/migrate', { DATABASE_URL: database.url });
}

function addressOf(role: string): string {
  return database.url.replace('postgres@', `${role}@`);
}

/** Restarts the replicas one by one with these variables, as the pages ask for. @returns what failed meanwhile */
async function restart(env: Env): Promise<string[]> {
  given = { ...given, ...env };
  const traffic = startTraffic(client, balancer);
  for (const leaving of replicas) {
    const coming = await startReplica(given);
    replicas = [...replicas.filter((replica) => replica !== leaving), coming] as typeof replicas;
    balancer.set(replicas);
    await sleep(DRAIN_MS);
    leaving.kill('SIGTERM');
    await leaving.child.exited;
  }
  const { requests, failures } = await traffic.stop();
  expect(requests).toBeGreaterThan(10);
  return failures;
}

/** What a worker shows that has just started: each counts at its start, and then once a minute. */
async function keysByOldSecret(worker: { url: string }): Promise<Record<string, number>> {
  const show = () => play(watch, { at: { [METRICS]: worker.url } }).catch(() => '');
  await expect.poll(show, { timeout: 10_000 }).toContain('secret=');
  const shown = await show();
  return Object.fromEntries(
    Array.from(shown.matchAll(/secret="(\w+)"\} (\d+)/g), ([, name, count]) => [name, Number(count)]),
  );
}

test('LATCHKEY_SECRET is replaced without a failed request, and a used key then needs no question to WorkOS', async () => {
  const from = performance.now();
  const announced = await variablesOf(announce, { OLD });
  const { NEW = '', ...first } = announced;
  expect(first).toEqual({ LATCHKEY_SECRET: OLD, LATCHKEY_PREVIOUS_SECRETS: NEW });
  expect(await restart(first)).toEqual([]);
  expect(await restart(await variablesOf(exchange, { OLD, NEW }))).toEqual([]);
  expect((await keysByOldSecret(replicas[1]))['previous_1']).toBeGreaterThanOrEqual(2);
  expect((await client.verify(balancer.front, used)).code).toBe('valid');
  await sleep(RENEWAL_MS);
  expect((await keysByOldSecret(await startReplica(given)))['previous_1']).toBe(1);
  expect(await restart({ LATCHKEY_PREVIOUS_SECRETS: '' })).toEqual([]);
  say(`new secret: three rounds of restarts under load in ${((performance.now() - from) / 1e3).toFixed(1)} s`);

  expect((await keysByOldSecret(replicas[1]))['dropped']).toBe(1);
  workos.faults.add({ kind: 'status', status: 503, times: 0, path: '/api_keys/validations' });
  expect((await client.verify(replicas[0], used)).code).toBe('valid');
  expect((await client.verify(replicas[0], unused)).code).not.toBe('valid');
  workos.faults.clear();
  await expect.poll(async () => (await client.verify(replicas[0], unused)).code, { timeout: 10_000 }).toBe('valid');
});

test('a service token and the role of the database are replaced by way of two each, and the old ones are refused', async () => {
  const fresh = 'svc_latchkey_tests_fresh';
  const roles = { ROLE: 'latchkey_service', NEW_ROLE: 'latchkey_service_b' };
  const env = { OWNER: database.url, PASSWORD: randomBytes(16).toString('hex'), ...roles };
  const statusOf = async (at: { url: string }, token: string) =>
    (await call(at, 'POST', '/v1/api-keys/verify', { token, body: { key: used.value } })).status;
  await play(makeRole, { env });
  const both = `${SERVICE_TOKEN},${fresh}`;
  const second = addressOf(roles.NEW_ROLE);
  expect(await restart({ LATCHKEY_SERVICE_TOKENS: both, DATABASE_URL: second })).toEqual([]);
  expect([await statusOf(replicas[0], SERVICE_TOKEN), await statusOf(replicas[0], fresh)]).toEqual([200, 200]);
  await play(dropRole, { env });
  expect((await client.verify(balancer.front, used)).code).toBe('valid');
  expect(await client.create(balancer.front)).toBeDefined();
  const ofOld = { env: { URL: addressOf('latchkey_service') } };
  await expect(play('psql "$URL" -c "select 1"', ofOld)).rejects.toThrow(/role "latchkey_service" does not exist/);
  const last = await startReplica({ ...given, LATCHKEY_SERVICE_TOKENS: fresh });
  expect([await statusOf(last, SERVICE_TOKEN), await statusOf(last, fresh)]).toEqual([401, 200]);
});
