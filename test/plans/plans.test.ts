import { appendFileSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, inject, test } from 'vitest';
import { readProduct } from '../../src/product/read-product.ts';
import { makeDashboardKey } from '../support/at-workos.ts';
import { withDatabase } from '../support/global-setup.ts';
import { OLD, startImports } from '../imports/imports.ts';
import { SERVICE_TOKEN } from '../support/service.ts';
import { captureStatements } from './capture.ts';
import { STAFF_TOKEN, driveRoutes } from './drive.ts';
import { SALTED, driveImports } from './drive-imports.ts';
import { driveOpaqueSessions } from './drive-opaque-sessions.ts';
import { excessOf, explainAll, tableOf } from './explain.ts';
import { fill } from './fill.ts';

const keys = Number(process.env['EXPLAIN_KEYS'] ?? 200_000);
const template = inject('template');
if (template.kind !== 'server') throw new Error('the plans need TEST_DATABASE_URL, a PostgreSQL server');
const server = template.url;

const { permission_sets: sets } = readProduct(new URL('../../config/evershell.yaml', import.meta.url).pathname);

const captured = captureStatements();
afterAll(captured.release);
const seals = join(mkdtempSync(join(tmpdir(), 'latchkey-plans-')), 'seals');
const imports = await startImports(
  [OLD, SALTED],
  {
    LATCHKEY_AUDIT_SEALS: seals,
    LATCHKEY_SERVICE_TOKENS: `${SERVICE_TOKEN},staff=${STAFF_TOKEN}:staff:keys+staff:addresses`,
    LATCHKEY_WORKOS_LAST_USE_PER_MINUTE: '60',
    STRIPE_WEBHOOK_SECRET: 'whsec_of_the_plans_of_statements',
    BILLING_WEBHOOK_SECRETS: `whsec_${Buffer.alloc(32, 1).toString('base64')}`,
    WORKOS_WEBHOOK_SECRET: 'a secret of WorkOS',
  },
  {
    permission_sets: sets.map((set) => ({ ...set, staff: set.name === 'read_only' })),
    sessions: { password_sign_in: true, inactivity_minutes: 10 },
    webhooks: { audit_forwarding: true },
    tasks: { max: 10 },
  },
);
const { service } = imports;
const acme = await service.organizations.add({ status: 'active', plan: 'scale' });
const url = await service.db
  .raw<{ rows: { name: string }[] }>('select current_database() as name')
  .then(({ rows }) => withDatabase(server, rows[0]!.name));

test(`every statement that a route, a loop or a scrape runs reads a bounded number of rows, of ${keys} keys`, async () => {
  await fill(url, acme.id, { keys, events: keys * 0.4, usageRows: keys * 2 });
  // The fill's links belong to no chain: what follows it goes on from its heads.
  await captured.during('replica', () => service.replica());
  let routes: string[] = [];
  await captured.during('routes', async () => {
    routes = await driveRoutes(service, acme);
  });
  expect(routes.length).toBeGreaterThan(20);
  await makeDashboardKey(service, acme.id);
  const { loops } = service.background;
  expect(loops.length).toBeGreaterThan(10);
  for (const loop of loops) {
    await captured.during(loop.name, async () => {
      await service.background.runOnce(loop.name);
      await loop.lagSeconds?.();
      if ('items' in loop) await loop.items.count();
    });
  }
  await captured.during('imports', () => driveImports(imports, acme.id));
  await captured.during('opaque sessions', () => driveOpaqueSessions(service));
  await captured.during('scrape', () => fetch(`${service.url}/metrics`));

  const measured = await explainAll(url, captured.statements());
  const table = tableOf(measured);
  process.stdout.write(`${new Set(measured.map(({ text }) => text)).size} statements at ${keys} keys\n\n${table}\n`);
  const page = process.env['EXPLAIN_PAGE'];
  if (page !== undefined) appendFileSync(page, `${table}\n`);
  expect(measured.filter((one) => excessOf(one) > 1).map(({ text, read, answered }) => [text, read, answered])).toEqual(
    [],
  );
});

test('a statement that grows with the table is found, whichever feature sends it', async () => {
  const before = captured.statements().length;
  await captured.during('planted', () => service.db('api_keys').where({ label: 'planted' }).first('id'));
  const planted = captured.statements().slice(before);
  expect(planted).toHaveLength(1);
  const [measured] = await explainAll(url, planted);
  expect(measured!.read).toBeGreaterThanOrEqual(keys);
  expect(excessOf(measured!)).toBeGreaterThan(10);
});
