import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { startEmulator } from '../../src/emulator/emulator.ts';
import { makeTestClock } from '../support/clock.ts';
import { freshDatabase } from '../support/database.ts';
import { makeTestReconcile } from '../support/reconcile.ts';
import { ORGANIZATION, fillMirror, fillWorkos, wantedOf } from '../reconcile-large/fill.ts';

// The short form of `npm run test:reconcile-large`, which has 100,000 keys and a heap that cannot hold them.
const KEYS = 2_000;
const folder = mkdtempSync(join(tmpdir(), 'latchkey-many-'));
const stateFile = join(folder, 'state.sqlite');
fillWorkos(stateFile, KEYS);
const workos = await startEmulator({ port: 0, stateFile });
const { db, close } = await freshDatabase();
afterAll(async () => {
  await workos.close();
  await close();
  rmSync(folder, { recursive: true, force: true });
});

test('two thousand keys are compared page by page, and every difference among them found and mended', async () => {
  await fillMirror(db, KEYS);
  const reconcile = makeTestReconcile({ db, workos, clock: makeTestClock() });
  const lists = () => workos.requests().filter(({ path }) => path === `/organizations/${ORGANIZATION}/api_keys`).length;
  const looked = await reconcile({ dryRun: true });
  expect(looked).toMatchObject({ organizations: 1, keys: 1_980, mended: 0, found: wantedOf(KEYS), failures: [] });
  expect(lists()).toBe(20);
  expect(await reconcile()).toMatchObject({ keys: 1_980, mended: 80, found: wantedOf(KEYS), failures: [] });
  expect(await reconcile()).toMatchObject({ mended: 0, found: wantedOf(0), findings: [] });
  const { rows } = await db.raw<{ rows: object[] }>(
    'select status, count(*)::int from api_keys group by status order by 1',
  );
  expect(rows).toEqual([
    { status: 'active', count: 1_980 },
    { status: 'revoked', count: 20 },
  ]);
}, 60_000);
