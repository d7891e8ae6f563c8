import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { startEmulator } from '../../src/emulator/emulator.ts';
import { backgroundSource } from '../../src/audit/audit-event.ts';
import { makeAuditLog } from '../../src/audit/audit-log.ts';
import { transaction } from '../../src/db/transaction.ts';
import { makeDashboardKey } from '../support/at-workos.ts';
import { runChild } from '../support/child.ts';
import { makeTestClock } from '../support/clock.ts';
import { freshDatabase } from '../support/database.ts';
import { makeOrganizations } from '../support/organizations.ts';
import { emptySeed, environment } from '../support/service.ts';
import { runEntry } from '../process/start.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const clock = makeTestClock();
const workos = await startEmulator({ port: 0, stateFile: ':memory:', seed: emptySeed, clock });
const { db, url, close } = await freshDatabase();
afterAll(async () => {
  await workos.close();
  await close();
});
if (url === undefined) throw new Error('these tests need TEST_DATABASE_URL: the tools run as processes of their own');
const env = { ...environment(workos), DATABASE_URL: url };
const organizations = makeOrganizations({ db, workos, clock });

test('npm run reconcile tells of drift with exit code 2, mends it, and is content with 0', async () => {
  const [acme, other] = [await organizations.add(), await organizations.add()];
  const key = await makeDashboardKey({ workos }, acme.id, { name: 'by hand' });
  await makeDashboardKey({ workos }, other.id);
  const looked = await runEntry('reconcile', env, ['--dry-run', '--json', '--organization', acme.id]);
  expect(looked.code).toBe(2);
  const { drift, ...numbers } = JSON.parse(looked.stdout) as { drift: object[] };
  expect(drift).toMatchObject([
    { environment: 'live', kind: 'only_there', organization_id: acme.id, key_id: key.id, mended: false },
  ]);
  expect(numbers).toMatchObject({ mended: 0, organizations: 1, keys: 1, failures: 0, left_out: ['test'] });
  expect(await db('api_keys')).toEqual([]);
  const mended = await runEntry('reconcile', env);
  expect([mended.code, mended.stderr]).toEqual([2, '']);
  expect(mended.stdout).toMatch(/^live +only_there +org_\w+ +api_key_\w+ +yes +absent → by hand \(no permissions\)$/m);
  expect(mended.stdout).toContain('live: 2 keys of 2 organizations compared, 2 differences mended.');
  const clean = await runEntry('reconcile', env);
  expect([clean.code, clean.stdout.split('\n').slice(-3)]).toEqual([
    0,
    [
      'live: 2 keys of 2 organizations compared, 0 differences mended.',
      'test: left out, since WORKOS_API_KEY_TEST is not set.',
      '',
    ],
  ]);
});

test('npm run reconcile that cannot list WorkOS mends nothing and has exit code 1', async () => {
  const acme = await organizations.add();
  await makeDashboardKey({ workos }, acme.id);
  workos.faults.add({ kind: 'status', status: 401, times: 0 });
  const { code, stderr } = await runEntry('reconcile', env, ['--organization', acme.id]);
  workos.faults.clear();
  expect(code).toBe(1);
  expect(stderr).toContain(`reconcile: live: ${acme.id} could not be read: WorkOS refused this.`);
  expect(await db('api_keys').where({ organization_id: acme.id })).toEqual([]);
});

test('npm run audit:verify says whether the log is whole, by its exit code too', async () => {
  const audit = makeAuditLog({ announce: () => Promise.resolve(), clock });
  const event = {
    ...backgroundSource('system', 'tests'),
    organizationId: 'org_audited',
    action: 'api_key.created' as const,
    target: { kind: 'api_key' as const, id: 'api_key_x' },
    details: {},
  };
  await transaction(db, (trx) => audit.appendAll(trx, 'org_audited', [event, event, event]));
  const sound = await runEntry('audit-verify', env, ['--organization', 'org_audited']);
  expect([sound.code, sound.stdout]).toEqual([0, 'The audit log is sound: 3 events of 1 organizations.\n']);
  await db.raw('alter table audit_events disable trigger user');
  await db('audit_events').where({ organization_id: 'org_audited', sequence: 2 }).del();
  const broken = await runEntry('audit-verify', env);
  expect(broken.code).toBe(2);
  expect(broken.stdout).toMatch(/^org_audited {2}event 2 {2}missing$/m);
  expect(broken.stdout).toMatch(/^THE AUDIT LOG IS BROKEN in 1 places: \d+ events of \d+ organizations\.$/m);
});

test('npm run hooks lists what came in and replays it by its id', async () => {
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
  const listed = await runEntry('hook-inbox', env, ['list', '--source', 'billing', '--outcome', 'applied']);
  expect([listed.code, listed.stderr]).toEqual([0, '']);
  expect(listed.stdout).toMatch(
    /^hook_01KC3J2R8V5W2N4XQ7T9B6D0EH .*applied .*msg_1 +org_hooked +tried 1 time\n1 hook\.\n$/,
  );
  const told = [await runEntry('hook-inbox', env, ['replay', id]), await runEntry('hook-inbox', env, ['replay', id])];
  expect(told.map(({ code, stdout }) => [code, stdout])).toEqual([
    [0, `${id}  applied  org_hooked\n`],
    [0, `${id}  unchanged  org_hooked\n`],
  ]);
  expect(await db('tenants').where({ organization_id: 'org_hooked' }).first()).toMatchObject({
    billing_status: 'active',
  });
  const none = await runEntry('hook-inbox', env, ['replay', `${id.slice(0, -1)}0`]);
  expect([none.code, none.stdout]).toEqual([2, '']);
});

test('npm run hooks shows somebody who has seen enough no complaint', async () => {
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
  const list = `"${process.execPath}" src/hook-inbox.ts list --outcome ignored --limit 2500 | head -n 1`;
  const { stdout, stderr } = await runChild('sh', ['-c', list], { cwd: ROOT, env });
  expect(stdout).toMatch(/^hook_\d{26} .*\n$/);
  expect(stderr).toBe('');
});
