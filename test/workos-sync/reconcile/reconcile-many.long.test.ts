import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { startEmulator } from '../../../src/emulator/emulator.ts';
import { makeTestClock } from '../../support/clock.ts';
import { freshDatabase } from '../../support/database.ts';
import { makeTestReconcile } from '../../support/reconcile.ts';
import { PROFILE, startLocalWorkos } from '../../support/local-workos.ts';
import { emptySeed } from '../../support/service.ts';
import { ORGANIZATION, fillMirror, fillWorkos, wantedOf } from '../../reconcile-large/fill.ts';

// The short form of `npm run test:reconcile-large`, which has 100,000 keys and a heap that cannot hold them.
const KEYS = 2_000;
const folder = mkdtempSync(join(tmpdir(), 'latchkey-many-'));
const stateFile = join(folder, 'state.sqlite');
fillWorkos(stateFile, KEYS);
const workos = await startEmulator({ port: 0, stateFile, profile: PROFILE });
const empty = await startLocalWorkos({ seed: emptySeed });
afterAll(async () => {
  await Promise.all([workos.close(), empty.close()]);
  rmSync(folder, { recursive: true, force: true });
});

const lists = () => workos.requests().filter(({ path }) => path === `/organizations/${ORGANIZATION}/api_keys`).length;
const inTest = {
  WORKOS_API_KEY_TEST: workos.apiKey,
  WORKOS_CLIENT_ID_TEST: workos.clientId,
  WORKOS_API_URL_TEST: workos.url,
};

test.each([
  ['live WorkOS', 'live', { workos, env: {} }],
  ['its test environment', 'test', { workos: empty, env: inTest }],
] as const)(
  'reconcile compares 2,000 keys of %s page by page, and repairs every difference',
  async (_what, environment, { workos: live, env }) => {
    const { db, close } = await freshDatabase();
    await fillMirror(db, KEYS, environment);
    const reconcile = makeTestReconcile({ db, workos: live, clock: makeTestClock() }, undefined, ['organization'], env);
    const listed = lists();
    const looked = await reconcile({ dryRun: true });
    expect(looked.compared.find((progress) => progress.environment === environment)).toMatchObject({
      organizations: 1,
    });
    expect(looked).toMatchObject({ keys: 1_980, repaired: 0, found: wantedOf(KEYS), failures: [] });
    expect(lists() - listed).toBe(20);
    expect(await reconcile()).toMatchObject({ keys: 1_980, repaired: 80, found: wantedOf(KEYS), failures: [] });
    expect(await reconcile()).toMatchObject({ repaired: 0, found: wantedOf(0), findings: [] });
    const { rows } = await db.raw<{ rows: object[] }>(
      'select environment, status, count(*)::int from api_keys group by environment, status order by 2',
    );
    expect(rows).toEqual([
      { environment, status: 'active', count: 1_980 },
      { environment, status: 'revoked', count: 20 },
    ]);
    await close();
  },
  60_000,
);
