import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { embeddedEnvironment } from '../../../src/embedded/environment.ts';
import { VARIABLES } from '../../../src/app/read-config.ts';
import { ProductFile } from '../../../src/product/product.ts';
import { readProduct } from '../../../src/product/read-product.ts';
import { startService } from '../../support/service.ts';
import { tenantOf } from './send.ts';

const run = promisify(execFile);
// Tutorial, guide and explanation of billing, each block as it stands there.
const PAGES = [
  'docs/explanation/billing.md',
  'docs/how-to/receive-billing-webhooks.md',
  'docs/tutorials/bill-with-stripe.md',
];
const texts = await Promise.all(PAGES.map((path) => readFile(new URL(`../../../${path}`, import.meta.url), 'utf8')));
const page = texts.join('\n');
const demo = { apiKey: 'sk_demo', clientId: 'client_demo' };
const folder = await mkdtemp(join(tmpdir(), 'latchkey-documented-'));
afterAll(() => rm(folder, { recursive: true }));
const {
  LATCHKEY_SERVICE_TOKENS = '',
  STRIPE_WEBHOOK_SECRET = '',
  BILLING_WEBHOOK_SECRETS = '',
} = embeddedEnvironment({
  given: {},
  variables: VARIABLES,
  demo: { ...demo, test: demo },
  folder,
  workosPort: 1,
  testPort: undefined,
});
const service = await startService({ LATCHKEY_SERVICE_TOKENS, STRIPE_WEBHOOK_SECRET, BILLING_WEBHOOK_SECRETS });
const blocksOf = (language: string) =>
  [...page.matchAll(new RegExp(`^( *)\`\`\`${language}\\n([^]*?)^ *\`\`\``, 'gm'))].map(([, indent = '', text = '']) =>
    text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  );
const blocks = blocksOf('sh');

// With the tools of a Unix shell, as the page's reader has them.
const hasTools = await run('sh', ['-c', 'command -v curl openssl od sed date']).then(
  () => true,
  () => false,
);

test.runIf(hasTools).each([
  ['the request', '/v1/organizations/org_initech/billing', '"posture":"active"', 'org_initech', 'active'],
  ['the hook of your billing', '/v1/hooks/billing', '{"outcome":"applied"}', 'org_initech', 'active'],
  ['the hook of Stripe', 'evt_demo_', '{"outcome":"applied"}', 'org_acme', 'past_due'],
])('%s works as it stands on the page', async (_what, path, says, organizationId, status) => {
  await service.db('tenants').where({ organization_id: organizationId }).delete();
  const [block, ...others] = blocks.filter((text) => text.includes(path) && text.includes('curl'));
  expect(others).toEqual([]);
  const { stdout } = await run('sh', ['-c', block!.replaceAll('http://127.0.0.1:3000', service.url)]);
  expect(stdout).toContain(says);
  expect(await tenantOf(service, organizationId)).toMatchObject({ billing_status: status });
});

test('each piece of a configuration on the page is one', () => {
  const usual = readProduct(new URL('../../../config/evershell.yaml', import.meta.url));
  const pieces = blocksOf('yaml').map((text) => parse(text) as object);
  expect(pieces.map((piece) => Object.keys(piece))).toEqual([['billing'], ['stripe']]);
  for (const piece of pieces) expect(ProductFile.safeParse({ ...usual, ...piece }).error).toBeUndefined();
});
