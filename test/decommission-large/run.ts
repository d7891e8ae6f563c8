import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Knex } from 'knex';
import { connectDatabase } from '../../src/db/connect.ts';
import { migrate } from '../../src/db/migrations.ts';
import { DEMO } from '../../src/emulator/demo.ts';
import { startEmulator } from '../../src/emulator/emulator.ts';
import { makeLifetime } from '../../src/process/shutdown.ts';
import { runChild, startChild } from '../support/child.ts';
import { withDatabase } from '../support/database-url.ts';
import { ORGANIZATION, fillMirror, fillWorkos } from './fill.ts';
import { makeLimit } from './limited-workos.ts';

// `npm run test:decommission [-- --keys N]`: an organization with 10,000 keys ends on two processes, which are killed in
// the middle of it, here and at WorkOS, and started again; WorkOS takes 100 requests a second and not one more.
const { values } = parseArgs({ options: { keys: { type: 'string', default: '10000' } } });
const keys = Number(values.keys);
const SERVER = process.env['TEST_DATABASE_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';
const LIMIT = 100;
/** Two processes of it stay below the limit, whatever has piled up. */
const PER_SECOND = 45;
const WAIT_SECONDS = 2;
const ROOT = join(import.meta.dirname, '..', '..');
const TOKEN = 'svc_decommission_large';

const say = (text: string) => void process.stdout.write(`${text}\n`);
const lifetime = makeLifetime();
const startedAt = performance.now();
const seconds = () => ((performance.now() - startedAt) / 1_000).toFixed(1).padStart(6);

function ensure(holds: boolean, what: string): void {
  if (!holds) throw new Error(`not so: ${what}`);
  say(`${seconds()} s  ${what}`);
}

async function makeDatabase(): Promise<{ db: Knex; url: string }> {
  const name = `latchkey_decommission_${randomBytes(6).toString('hex')}`;
  const admin = connectDatabase({ url: SERVER, poolMax: 1, statementTimeoutMs: null });
  await admin.raw('create database ??', [name]);
  lifetime.onEnd(async () => {
    await admin.raw('drop database if exists ?? with (force)', [name]);
    await admin.destroy();
  });
  const url = withDatabase(SERVER, name);
  const db = connectDatabase({ url, poolMax: 2, statementTimeoutMs: null });
  lifetime.onEnd(() => db.destroy());
  await migrate(db);
  await fillMirror(db, keys);
  await db.raw('analyze');
  return { db, url };
}

async function makeWorkos() {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-decommission-'));
  lifetime.onEnd(() => rmSync(folder, { recursive: true, force: true }));
  const stateFile = join(folder, 'state.sqlite');
  fillWorkos(stateFile, keys);
  const workos = await startEmulator({ port: 0, stateFile });
  lifetime.onEnd(() => workos.close());
  return workos;
}

const { db, url } = await makeDatabase();
const secret = randomBytes(32).toString('hex');
const environment = (workosUrl: string) => ({
  DATABASE_URL: url,
  WORKOS_API_KEY: DEMO.apiKey,
  WORKOS_CLIENT_ID: DEMO.clientId,
  WORKOS_API_URL: workosUrl,
  WORKOS_COOKIE_PASSWORD: 'a cookie password that nobody uses here',
  WORKOS_SETTLEMENTS_PER_SECOND: String(PER_SECOND),
  LATCHKEY_SECRET: secret,
  LATCHKEY_SERVICE_TOKENS: TOKEN,
  LATCHKEY_SETTLE_INTERVAL_MS: '200',
  PORT: '0',
});

type Left = { keys_left: number; keys_left_at_workos: number; done_at: string | null };

async function startReplica(workosUrl: string) {
  const child = startChild(process.execPath, [join('src', 'main.ts')], { cwd: ROOT, env: environment(workosUrl) });
  lifetime.onEnd(() => child.kill('SIGKILL'));
  const [, base = ''] = await child.saw(/"url":"(http:[^"]+)"/, 60_000);
  const ask = async (method: string, path: string, body?: object) => {
    const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
    const response = await fetch(`${base}${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    if (!response.ok) throw new Error(`${response.status} to ${method} ${path}`);
    return (await response.json()) as { decommissioning: Left };
  };
  return {
    bill: (body: object) => ask('PUT', `/v1/organizations/${ORGANIZATION}/billing`, body),
    left: async () => (await ask('GET', `/v1/organizations/${ORGANIZATION}`)).decommissioning,
    async die() {
      child.kill('SIGKILL');
      await child.exited;
    },
  };
}

type Replica = Awaited<ReturnType<typeof startReplica>>;

async function waitFor(replica: Replica, until: (left: Left) => boolean, everyMs: number): Promise<Left> {
  let shownAt = -Infinity;
  for (;;) {
    const left = await replica.left();
    if (performance.now() - shownAt > 10_000 || until(left)) {
      say(`${seconds()} s  left: ${left.keys_left} here, ${left.keys_left_at_workos} at WorkOS`);
      shownAt = performance.now();
    }
    if (until(left)) return left;
    await sleep(everyMs);
  }
}

async function check(counts: ReturnType<typeof makeLimit>['counted']): Promise<void> {
  const count = async (table: string, where: object) =>
    Number((await db(table).where(where).count('* as n'))[0]?.['n']);
  const revoked = { organization_id: ORGANIZATION, action: 'api_key.revoked' };
  ensure((await count('api_keys', { status: 'revoked' })) === keys, `all ${keys} keys are revoked`);
  ensure((await count('audit_events', revoked)) === keys, 'each is recorded once');
  const [distinct] = await db('audit_events').where(revoked).countDistinct('target_id as n');
  ensure(Number(distinct?.['n']) === keys, 'and no other');
  ensure((await count('audit_events', { action: 'organization.decommissioned' })) === 1, 'so is the end');
  const audit = await runChild(process.execPath, [join('src', 'cli', 'audit-verify.ts')], {
    cwd: ROOT,
    env: environment('http://127.0.0.1:1'),
  });
  ensure(audit.code === 0, 'the chain of records holds');
  ensure(counts.most <= LIMIT, `WorkOS had ${counts.most} requests in its busiest second, of ${LIMIT}`);
  ensure(counts.refused > 0 && counts.tooEarly === 0, `after a refusal Latchkey waited (${counts.refused} refusals)`);
  ensure(
    counts.deletions < keys * 1.02,
    `${counts.deletions} deletions were asked of it: a killed process repeats few`,
  );
}

async function keysAtWorkos(workosUrl: string): Promise<number> {
  const headers = { authorization: `Bearer ${DEMO.apiKey}` };
  const response = await fetch(`${workosUrl}/organizations/${ORGANIZATION}/api_keys?limit=100`, { headers });
  return ((await response.json()) as { data: unknown[] }).data.length;
}

try {
  const workos = await makeWorkos();
  const limit = makeLimit(workos.url, LIMIT);
  const doors = await Promise.all([limit.open(keys / 10, WAIT_SECONDS), limit.open(keys / 5, WAIT_SECONDS)]);
  for (const door of doors) lifetime.onEnd(() => door.close());
  const both = () => Promise.all(doors.map((door) => startReplica(door.url)));
  say(`${seconds()} s  two processes start, ${keys} keys`);
  let replicas = await both();
  await replicas[0]!.bill({ status: 'decommissioning', decommission_at: new Date(Date.now() + 3_000).toISOString() });
  await sleep(1_500);
  ensure((await replicas[0]!.left()).keys_left === keys, 'nothing is revoked before the time');
  const middle = await waitFor(replicas[0]!, ({ keys_left: left }) => left < keys, 1);
  await Promise.all(replicas.map((replica) => replica.die()));
  ensure(middle.keys_left > 0 && middle.done_at === null, 'both are killed while keys are being revoked');
  replicas = await both();
  await waitFor(replicas[0]!, ({ keys_left_at_workos: left }) => left < keys / 2, 100);
  await replicas[1]!.die();
  ensure(true, 'one is killed while keys are being deleted at WorkOS');
  replicas = [replicas[0]!, await startReplica(doors[1].url)];
  const end = await waitFor(replicas[1]!, ({ keys_left_at_workos: left }) => left === 0, 100);
  ensure(end.keys_left === 0 && end.done_at !== null, 'it is done');
  ensure((await keysAtWorkos(workos.url)) === 0, 'WorkOS has none of the keys');
  await check(limit.counted);
  say('PASSED');
} finally {
  await lifetime.end();
}
