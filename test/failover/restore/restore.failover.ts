import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { connectDatabase } from '../../../src/db/connect.ts';
import { migrate } from '../../../src/db/migrations.ts';
import { startEmulator } from '../../../src/emulator/emulator.ts';
import { runEntry } from '../../process/start.ts';
import { call } from '../../support/api.ts';
import { deleteAtWorkos } from '../../support/at-workos.ts';
import { makeTestClock } from '../../support/clock.ts';
import { makeOrganizations } from '../../support/organizations.ts';
import { emptySeed, environment } from '../../support/service.ts';
import { makeClient, say } from '../client.ts';
import { ask, makeStartReplica, passTime } from '../cluster.ts';
import type { Env } from '../cluster.ts';
import { becomesReady } from '../load.ts';
import { record } from '../results.ts';
import { commandsOf, play } from '../drill/steps.ts';
import { startPrimaryWithBackups } from '../postgres.ts';

// The drill of docs/how-to/back-up-and-restore.md, step by step: tests of this file need each other, in their order.

const SEAL_MS = 200;
const HELD_MS = 4_000;

const workos = await startEmulator({ port: 0, stateFile: ':memory:', seed: emptySeed });
afterAll(() => workos.close());
const outside = mkdtempSync(join(tmpdir(), 'latchkey-seals-'));
afterAll(() => rmSync(outside, { recursive: true, force: true }));
const [archive, backUp, restore, keepSeals] = commandsOf(
  'docs/how-to/back-up-and-restore.md',
  'restore/restore.failover.ts',
) as [string, string, string, string];
const { primary, restored, archived, backups } = await startPrimaryWithBackups();
await play(archive, { env: { OWNER: primary.url }, at: { '/backup': backups, "'60s'": "'1s'" } });
await primary.stop();
await primary.begin();
const db = connectDatabase({ url: primary.url, poolMax: 2, statementTimeoutMs: null });
await migrate(db);

const seals = { LATCHKEY_AUDIT_SEALS: join(outside, 'seals'), LATCHKEY_AUDIT_SEAL_INTERVAL_MS: `${SEAL_MS}` };
const given = { ...environment(workos), ...seals, LATCHKEY_EVENTS_INTERVAL_MS: '200', DATABASE_URL: primary.url };
const keptSeals = join(outside, 'seals-kept');
const anew: Env = { ...given, DATABASE_URL: restored.url };
/** Writes on with the seals that the restored database knows. */
const running: { url: string }[] = [];
const replica = () => running[0]!;
const served: Env = { ...anew, LATCHKEY_AUDIT_SEALS: keptSeals };
const NOT_SEALED = 'select count(*) as n from audit_chain_heads where sequence > sealed_sequence';
const startReplica = makeStartReplica();
const first = await startReplica(given, {});
const client = await makeClient({ organizations: makeOrganizations({ db, workos, clock: makeTestClock() }) }, [first]);
const create = (label: string) => client.create(first, { label });
const [kept, doomed, removed, suspended] = [
  await create('kept'),
  await create('revoked after the moment'),
  await create('removed at WorkOS after the moment'),
  await create('suspended after the moment'),
];
const codesOf = (at: { url: string }, keys: readonly { id: string; value: string }[]) =>
  Promise.all(keys.map(async (key) => (await client.verify(at, key)).code));

await play(backUp, { env: { OWNER: primary.url }, as: 'database', at: { '/backup': backups } });
const fromWal = await create('made after the base backup');
await sleep(1_500);
const [moment] = await ask(primary, 'select clock_timestamp()::text as now');
await sleep(100);
const lost = await create('made after the moment');

test('what happens after the moment is acknowledged, and lost with the machine', async () => {
  const token = await client.acme.session();
  expect(await client.revoke(first, doomed)).toBe('ok');
  await deleteAtWorkos({ workos }, removed.id);
  const body = { reason: 'found in a log' };
  expect((await call(first, 'POST', `/v1/api-keys/${suspended.id}/suspend`, { token, body })).status).toBe(200);
  expect(await client.bill(first, 'past_due')).toBe('ok');
  await expect
    .poll(() => codesOf(first, [kept, fromWal, doomed, removed, suspended]), { timeout: 5_000 })
    .toEqual(['valid', 'valid', 'revoked', 'revoked', 'suspended']);
  await sleep(2 * SEAL_MS);
  const [{ wal }] = (await ask(primary, 'select pg_walfile_name(pg_switch_wal()) as wal')) as [{ wal: string }];
  await expect.poll(archived, { timeout: 10_000 }).toContain(wal);
  first.kill('SIGKILL');
  await db.destroy();
  primary.kill();
});

test('the backup restored to the moment has the revoked keys as active, and not what came later', async () => {
  const from = performance.now();
  const at = { '/backup': backups, '/var/lib/postgresql/data': restored.data };
  const until = { '2026-11-22 14:05:00+00': String(moment?.['now']) };
  await play(restore, { as: 'database', at: { ...at, ...until } });
  await restored.begin();
  const inRecovery = async () => (await ask(restored, 'select pg_is_in_recovery() as standby'))[0]?.['standby'];
  await expect.poll(inRecovery, { timeout: 20_000 }).toBe(false);
  say(`restored in ${((performance.now() - from) / 1_000).toFixed(1)} s`);
  const rows = await ask(restored, 'select workos_id as id, status from api_keys');
  const statuses = new Map(rows.map(({ id, status }) => [id, status]));
  expect([kept, fromWal, doomed, removed, suspended].map(({ id }) => statuses.get(id))).toEqual(
    Array(5).fill('active'),
  );
  expect(statuses.has(lost.id)).toBe(false);
  // An hour passes.
  await passTime(restored, '1 hour');
});

test('audit:verify names the events that the backup lacks, by seals outside the database', async () => {
  const verified = await runEntry('cli/audit-verify', anew);
  expect([verified.code, verified.stdout]).toEqual([2, expect.stringContaining('BROKEN')]);
  expect(verified.stdout).toContain(client.acme.id);

  const at = { '/seals/latchkey-restored': keptSeals, '/seals/latchkey': seals.LATCHKEY_AUDIT_SEALS };
  await play(keepSeals, { env: { DATABASE_URL: restored.url }, at });
});

test('a start without LATCHKEY_SECRET says that it is missing, and audit:verify shows that it is another one', async () => {
  const { LATCHKEY_SECRET: _missing, ...without } = anew;
  const refused = await runEntry('main', { ...without, PORT: '0' });
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/LATCHKEY_SECRET: is missing/)]);
  const wrong = {
    ...anew,
    LATCHKEY_AUDIT_SEALS: keptSeals,
    LATCHKEY_SECRET: 'another secret than the one of the backup',
  };
  const verified = await runEntry('cli/audit-verify', wrong);
  expect([verified.code, verified.stdout]).toEqual([2, expect.stringContaining('BROKEN')]);
});

test('no key is answered on the restored database until what WorkOS revoked since was read', async () => {
  workos.faults.add({ kind: 'status', status: 503, times: 0, method: 'GET', path: '/events' });
  const replica = await startReplica(served, {});
  running.push(replica);
  const end = performance.now() + HELD_MS;
  while (performance.now() < end) {
    expect(await client.ready(replica)).toBe(503);
    expect(new Set(await codesOf(replica, [kept, doomed, removed]))).toEqual(new Set(['database_unavailable']));
    await sleep(100);
  }
  workos.faults.clear();
  const readyMs = await becomesReady(client, replica);
  await record('restore', restored, { ready: readyMs });
  expect(await codesOf(replica, [kept, fromWal, doomed, removed, lost])).toEqual([
    'valid',
    'valid',
    'revoked',
    'revoked',
    'valid',
  ]);
  // Latchkey alone knew of the suspension, and of what billing reported: these are done again.
  expect(await codesOf(replica, [suspended])).toEqual(['valid']);
  expect(await client.posture(replica)).toBe('active');
  const answer = await call(replica, 'POST', `/v1/api-keys/${suspended.id}/suspend`, {
    token: await client.acme.session(),
    body: { reason: 'found in a log' },
  });
  expect(answer.status).toBe(200);
  expect(await client.bill(replica, 'past_due')).toBe('ok');
  expect([await codesOf(replica, [suspended]), await client.posture(replica)]).toEqual([['suspended'], 'past_due']);
});

test('the reconciliation finds the mirror and WorkOS in agreement', async () => {
  const reconciled = await runEntry('cli/reconcile', served);
  expect([reconciled.code, reconciled.stderr]).toEqual([0, '']);
});

test('after a gap that WorkOS has no events of, replicas answer once a reconciliation was made', async () => {
  const isBehind = async () =>
    (await ask(restored, 'select behind_since from invalidation_beats'))[0]?.['behind_since'];
  await ask(restored, "update invalidation_beats set behind_since = now() - interval '91 days'");
  await runEntry('cli/reconcile', served, ['--dry-run']);
  expect(await isBehind()).not.toBeNull();
  // The replica reads the mark with its next beat.
  await expect
    .poll(async () => (await client.verify(replica(), kept)).code, { timeout: 10_000 })
    .toBe('database_unavailable');
  expect((await runEntry('cli/reconcile', served)).code).toBe(0);
  await becomesReady(client, replica());
  expect(await codesOf(replica(), [kept, doomed])).toEqual(['valid', 'revoked']);
});

test('with the seals that the backup knows the audit log is sound, and is sealed further', async () => {
  await expect.poll(async () => (await ask(restored, NOT_SEALED))[0]?.['n'], { timeout: 10_000 }).toBe('0');
  const verified = await runEntry('cli/audit-verify', served);
  expect([verified.code, verified.stdout]).toEqual([0, expect.stringContaining('The audit log is sound')]);
});
