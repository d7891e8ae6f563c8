import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { connectDatabase } from '../../../src/db/connect.ts';
import { migrate } from '../../../src/db/migrations.ts';
import { startEmulator } from '../../../src/emulator/emulator.ts';
import { runEntry } from '../../process/start.ts';
import { makeTestClock } from '../../support/clock.ts';
import { makeOrganizations } from '../../support/organizations.ts';
import { emptySeed, environment } from '../../support/service.ts';
import { makeClient, say } from '../client.ts';
import type { Key } from '../client.ts';
import { ask, makeStartReplica, passTime } from '../cluster.ts';
import type { History } from '../history.ts';
import { becomesReady, countOf, startLoad } from '../load.ts';
import { startPrimaryWithBackups } from '../postgres.ts';
import { commandsOf, play } from './steps.ts';

// Every machine is lost under load: the database, its disk, and all replicas. docs/how-to/back-up-and-restore.md restores all that
// was archived, with its own commands, and new replicas go on.

const LOAD_MS = 5_000;

const page = commandsOf('docs/how-to/back-up-and-restore.md', 'restore/restore.failover.ts');
const [archive, backUp, restore, keepSeals] = page as [string, string, string, string];

const workos = await startEmulator({ port: 0, stateFile: ':memory:', seed: emptySeed });
afterAll(() => workos.close());
const outside = mkdtempSync(join(tmpdir(), 'latchkey-seals-'));
afterAll(() => rmSync(outside, { recursive: true, force: true }));
const { primary, restored, backups, archived } = await startPrimaryWithBackups();
const owner = { env: { OWNER: primary.url } };
await play(archive, { ...owner, at: { '/backup': backups, "'60s'": "'1s'" } });
await primary.stop();
await primary.begin();
const db = connectDatabase({ url: primary.url, poolMax: 2, statementTimeoutMs: null });
await migrate(db);

const [seals, keptSeals] = [join(outside, 'seals'), join(outside, 'seals-kept')];
const sealing = { LATCHKEY_AUDIT_SEALS: seals, LATCHKEY_AUDIT_SEAL_INTERVAL_MS: '200' };
const given = { ...environment(workos), ...sealing, LATCHKEY_EVENTS_INTERVAL_MS: '200', DATABASE_URL: primary.url };
const anew = { ...given, DATABASE_URL: restored.url, LATCHKEY_AUDIT_SEALS: keptSeals };
const startReplica = makeStartReplica();
const lost = await Promise.all([startReplica(given), startReplica(given)]);
const client = await makeClient({ organizations: makeOrganizations({ db, workos, clock: makeTestClock() }) }, lost);
await play(backUp, { ...owner, as: 'database', at: { '/backup': backups } });

const seconds = (milliseconds: number) => (milliseconds / 1_000).toFixed(1);

/** The keys whose creation or revocation was acknowledged, with the time of that. */
function acknowledged({ writes }: History, kind: 'create' | 'revoke'): { key: Key; at: number }[] {
  return writes.flatMap((write) =>
    write.f === kind && write.outcome === 'ok' && write.key ? [{ key: write.key, at: write.completed }] : [],
  );
}

/** Makes a key between the changes of posture, of which one lets no key be made. */
async function insist(at: { url: string }): Promise<Key> {
  for (let i = 0; i < 200; i++) {
    const key = await client.tryCreate(at);
    if (key) return key;
    await sleep(20);
  }
  throw new Error('the key was not made');
}

test('a fresh server and new replicas go on with all that was archived, and what WorkOS knows besides', async () => {
  const early = [await client.create(lost[0]), await client.create(lost[1])];
  const load = startLoad(client, lost);
  await sleep(LOAD_MS);
  // These are in no WAL that was archived.
  const lateFrom = performance.now();
  const late = [await insist(lost[0]), await insist(lost[1])];
  for (const replica of lost) replica.kill('SIGKILL');
  primary.kill();
  const lostAt = performance.now();
  const history = await load.stop();
  await db.destroy();
  rmSync(primary.data, { recursive: true, force: true });
  expect(archived().length).toBeGreaterThan(1);

  const at = { '/backup': backups, '/var/lib/postgresql/data': restored.data };
  await play(restore, { as: 'database', at: { ...at, "recovery_target_time = '2026-11-22 14:05:00+00'\n": '' } });
  await restored.begin();
  const inRecovery = async () => (await ask(restored, 'select pg_is_in_recovery() as standby'))[0]?.['standby'];
  await expect.poll(inRecovery, { timeout: 30_000 }).toBe(false);
  const restoredMs = performance.now() - lostAt;
  const rows = await ask(restored, 'select workos_id as id, status from api_keys');
  const status = new Map(rows.map(({ id, status }) => [id, status]));
  const [made, revoked] = [acknowledged(history, 'create'), acknowledged(history, 'revoke')];
  expect(early.map(({ id }) => status.get(id))).toEqual(['active', 'active']);
  const missing = [
    ...late.filter(({ id }) => !status.has(id)).map((key) => ({ key, at: lateFrom })),
    ...made.filter(({ key }) => !status.has(key.id)),
    ...revoked.filter(({ key }) => status.get(key.id) !== 'revoked'),
  ];
  // Ten minutes pass, as they would where people do this by hand.
  await passTime(restored, '10 minutes');

  const places = { '/seals/latchkey-restored': keptSeals, '/seals/latchkey': seals };
  expect((await runEntry('cli/audit-verify', { ...anew, LATCHKEY_AUDIT_SEALS: seals })).code).toBeOneOf([0, 2]);
  await play(keepSeals, { env: { DATABASE_URL: restored.url }, at: places });
  const replicas = await Promise.all([startReplica(anew), startReplica(anew)]);
  await Promise.all(replicas.map((replica) => becomesReady(client, replica)));
  const rto = performance.now() - lostAt;
  const rpo = Math.max(0, ...missing.map(({ at }) => lostAt - at));
  say(`loss of everything: ${countOf(history)}; ${missing.length} acknowledged writes are not in the backup`);
  say(`loss of everything: RPO ${seconds(rpo)} s, with archive_timeout 1 s`);
  say(`loss of everything: RTO ${seconds(rto)} s, of which restore ${seconds(restoredMs)} s`);
  expect(rpo).toBeLessThan(5_000);

  // 2: something is left, such as a creation that was under way at the loss.
  const reconciled = async () => (await runEntry('cli/reconcile', anew)).code;
  await expect.poll(reconciled, { timeout: 60_000, interval: 1_000 }).toBe(0);
  const codeOf = async (key: Key) => (await client.verify(replicas[0], key)).code;
  // What billing reported last is sent again, as the page says.
  expect(await client.bill(replicas[0], 'active')).toBe('ok');
  for (const key of [...early, ...late]) expect(await codeOf(key)).toBe('valid');
  // A revocation that WorkOS had not received is lost, too, and done again.
  for (const { key } of revoked) if ((await codeOf(key)) === 'valid') await client.revoke(replicas[0], key);
  for (const { key } of revoked) expect(await codeOf(key)).not.toBe('valid');

  expect(await runEntry('cli/audit-verify', anew)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('The audit log is sound'),
  });
});
