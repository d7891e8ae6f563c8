import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { startEmulator } from '../../src/emulator/emulator.ts';
import { transaction } from '../../src/db/transaction.ts';
import { anAuditEvent, makeTestAudit } from '../support/audit.ts';
import { makeDashboardKey } from '../support/at-workos.ts';
import { runChild } from '../support/child.ts';
import { makeTestClock } from '../support/clock.ts';
import { freshDatabase } from '../support/database.ts';
import { makeOrganizations } from '../support/organizations.ts';
import { emptySeed, environment } from '../support/service.ts';
import { runEntry, temporaryFolder } from '../process/start.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const clock = makeTestClock();
const workos = await startEmulator({ port: 0, stateFile: ':memory:', seed: emptySeed, clock });
const { db, url, close } = await freshDatabase();
afterAll(async () => {
  await workos.close();
  await close();
});
if (url === undefined) throw new Error('these tests need TEST_DATABASE_URL: the tools run as processes of their own');
const env: Record<string, string> = { ...environment(workos), DATABASE_URL: url };
const organizations = makeOrganizations({ db, workos, clock });

test('npm run reconcile reports drift with exit code 2, repairs it, and then exits with 0', async () => {
  const [acme, other] = [await organizations.add(), await organizations.add()];
  const key = await makeDashboardKey({ workos }, acme.id, { name: 'by hand' });
  await makeDashboardKey({ workos }, other.id);
  const looked = await runEntry('cli/reconcile', env, ['--dry-run', '--json', '--organization', acme.id]);
  expect(looked.code).toBe(2);
  const { drift, ...numbers } = JSON.parse(looked.stdout) as { drift: object[] };
  expect(drift).toMatchObject([
    { environment: 'live', kind: 'only_there', organization_id: acme.id, key_id: key.id, mended: false },
  ]);
  expect(numbers).toMatchObject({ mended: 0, organizations: 1, keys: 1, failures: 0, left_out: ['test'] });
  expect(await db('api_keys')).toEqual([]);
  const mended = await runEntry('cli/reconcile', env);
  expect([mended.code, mended.stderr]).toEqual([2, '']);
  expect(mended.stdout).toMatch(/^live +only_there +org_\w+ +api_key_\w+ +yes +absent → by hand \(no permissions\)$/m);
  expect(mended.stdout).toContain('live: 2 keys of 2 organizations compared, 2 differences repaired.');
  const clean = await runEntry('cli/reconcile', env);
  expect([clean.code, clean.stdout.split('\n').slice(-3)]).toEqual([
    0,
    [
      'live: 2 keys of 2 organizations compared, 0 differences repaired.',
      'test: left out: WORKOS_API_KEY_TEST is not set.',
      '',
    ],
  ]);
});

test('latchkey server reconcile shows its progress on a terminal, and its report alone elsewhere', async () => {
  for (let i = 0; i < 3; i++) await makeDashboardKey({ workos }, (await organizations.add()).id);
  const path = '/organizations/:id/api_keys';
  workos.faults.add({ kind: 'latency', ms: 900, times: 0, method: 'GET', path });
  const folder = temporaryFolder();
  const report = join(folder, 'report.json');
  // `script` gives the process a terminal, which its standard output here is not.
  const command = `"${process.execPath}" src/cli/main.ts reconcile --dry-run --json > "${report}"`;
  const { code, stdout } = await runChild('script', ['-qec', command, '/dev/null'], { cwd: ROOT, env });
  const elsewhere = await runEntry('cli/main', env, ['reconcile', '--dry-run']);
  workos.faults.clear();
  expect([code, stdout.replaceAll('\r', '')]).toEqual([
    2,
    expect.stringMatching(/^(?:reconcile: live: \d+ organizations, \d+ keys compared, \d+ differences\n)+$/),
  ]);
  expect([elsewhere.code, elsewhere.stderr]).toEqual([2, '']);
  const { drift } = JSON.parse(await readFile(report, 'utf8')) as { drift: object[] };
  expect(drift.length).toBeGreaterThanOrEqual(3);
});

test('npm run reconcile that cannot list WorkOS repairs nothing and exits with 1', async () => {
  const acme = await organizations.add();
  await makeDashboardKey({ workos }, acme.id);
  workos.faults.add({ kind: 'status', status: 401, times: 0 });
  const { code, stderr } = await runEntry('cli/reconcile', env, ['--organization', acme.id]);
  workos.faults.clear();
  expect(code).toBe(1);
  expect(stderr).toContain(`reconcile: live: ${acme.id} could not be read: WorkOS rejected the request.`);
  expect(await db('api_keys').where({ organization_id: acme.id })).toEqual([]);
});

test('npm run audit:verify says whether the log is whole, by its exit code too', async () => {
  const audit = makeTestAudit(clock, { secret: env['LATCHKEY_SECRET']!, previousSecrets: [] });
  const events = [1, 2, 3].map((i) => anAuditEvent('org_audited', i));
  await transaction(db, (trx) => audit.appendAll(trx, 'org_audited', events));
  const sound = await runEntry('cli/audit-verify', env, ['--organization', 'org_audited']);
  expect([sound.code, sound.stdout]).toEqual([
    0,
    expect.stringMatching(/^The audit log is sound: 3 events of 1 organizations\.\nNo seals were read: /),
  ]);
  await db.raw('alter table audit_events disable trigger user');
  await db('audit_events').where({ organization_id: 'org_audited', sequence: 2 }).del();
  const broken = await runEntry('cli/audit-verify', env);
  expect(broken.code).toBe(2);
  expect(broken.stdout).toMatch(/^org_audited {2}event 2 {2}missing {2}by the owner of the database$/m);
  expect(broken.stdout).toMatch(/^THE AUDIT LOG IS BROKEN in 1 places: \d+ events of \d+ organizations\.$/m);
});

test('the command of incoming webhooks lists them and replays one by its id', async () => {
  const id = 'hook_01KC3J2R8V5W2N4XQ7T9B6D0EH';
  const message = { organization_id: 'org_hooked', occurred_at: '2026-01-01T00:00:00.000Z', status: 'active' };
  await db('hook_inbox').insert({
    id,
    source: 'billing',
    event_id: 'msg_1',
    type: 'tenant.billing_updated',
    organization_id: 'org_hooked',
    occurred_at: message.occurred_at,
    received_at: new Date(),
    outcome: 'applied',
    attempts: 1,
    payload: { kind: 'billing', message },
  });
  const listed = await runEntry('cli/incoming-webhooks', env, ['list', '--source', 'billing', '--outcome', 'applied']);
  expect([listed.code, listed.stderr]).toEqual([0, '']);
  expect(listed.stdout).toMatch(
    /^hook_01KC3J2R8V5W2N4XQ7T9B6D0EH .*applied .*msg_1 +org_hooked +tried 1 time\n1 webhook\.\n$/,
  );
  const told = [
    await runEntry('cli/incoming-webhooks', env, ['replay', id]),
    await runEntry('cli/incoming-webhooks', env, ['replay', id]),
  ];
  expect(told.map(({ code, stdout }) => [code, stdout])).toEqual([
    [0, `${id}  applied  org_hooked\n`],
    [0, `${id}  unchanged  org_hooked\n`],
  ]);
  expect(await db('tenants').where({ organization_id: 'org_hooked' }).first()).toMatchObject({
    billing_status: 'active',
  });
  const none = await runEntry('cli/incoming-webhooks', env, ['replay', `${id.slice(0, -1)}0`]);
  expect([none.code, none.stdout]).toEqual([2, '']);
});

test('npm run dead-letters lists what a loop gave up, and makes one due now', async () => {
  const [dead, failing] = ['hook_01KC3J2R8V5W2N4XQ7T9B6D0EH', 'hook_01KC3J2R8V5W2N4XQ7T9B6D0EJ'];
  const at = new Date('2026-01-01T00:00:00.000Z');
  const failed = {
    loop: 'apply_waiting_hooks',
    organization_id: 'org_dead',
    first_failed_at: at,
    last_failed_at: at,
    due_at: new Date(Date.now() + 60 * 60_000),
    last_failure: 'WorkOS answered 422',
  };
  await db('background_failures').insert([
    { ...failed, item: dead, attempts: 8, dead_at: at },
    { ...failed, item: failing, attempts: 1, dead_at: null },
  ]);
  const listed = await runEntry('cli/dead-letters', env, ['list', '--organization', 'org_dead']);
  const line = `apply_waiting_hooks  ${dead}  org_dead  8 tries  2026-01-01T00:00:00.000Z  WorkOS answered 422`;
  expect([listed.code, listed.stdout]).toEqual([0, `${line}\n1 dead letter.\n`]);

  const retry = (item: string, loop = 'apply_waiting_hooks') =>
    runEntry('cli/dead-letters', env, ['retry', '--loop', loop, item]);
  const retried = await retry(dead);
  expect([retried.code, retried.stdout]).toEqual([0, `apply_waiting_hooks  ${dead}  is due now.\n`]);
  const row = await db('background_failures').where({ item: dead }).first();
  expect(row).toMatchObject({ attempts: 0, dead_at: null });
  expect(row.due_at.getTime()).toBeLessThanOrEqual(Date.now());
  expect((await retry(dead)).code).toBe(2);

  const wrong = await retry(dead, 'nothing');
  expect([wrong.code, wrong.stdout]).toEqual([1, '']);
  expect(wrong.stderr).toMatch(/^There is no loop nothing\. Loops with dead letters: .*apply_waiting_hooks/);
}, 60_000);

test('the command of incoming webhooks ends without an error when its reader stops reading', async () => {
  const rows = Array.from({ length: 2_500 }, (_unused, i) => ({
    id: `hook_${String(i).padStart(26, '0')}`,
    source: 'stripe',
    event_id: `evt_seen_${i}`,
    type: 'charge.succeeded',
    received_at: new Date(),
    outcome: 'ignored',
    attempts: 1,
    payload: { kind: 'foreign' },
  }));
  await db('hook_inbox').insert(rows);
  const list = `"${process.execPath}" src/cli/incoming-webhooks.ts list --outcome ignored --limit 2500 | head -n 1`;
  const { stdout, stderr } = await runChild('sh', ['-c', list], { cwd: ROOT, env });
  expect(stdout).toMatch(/^hook_\d{26} .*\n$/);
  expect(stderr).toBe('');
});
