import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { MAPPING, OLD, anOldKey, rowOf } from '../imports/imports.ts';
import { runEntry } from '../process/start.ts';
import { freshDatabase } from '../support/database.ts';

const { db, url, close } = await freshDatabase();
afterAll(close);
if (url === undefined) throw new Error('these tests need TEST_DATABASE_URL: the command runs as a process of its own');
const folder = mkdtempSync(join(tmpdir(), 'latchkey-import-command-'));
afterAll(() => rmSync(folder, { recursive: true }));

type Scope = { name: string; requires?: string };
const product = parse(readFileSync(new URL('../../config/evershell.yaml', import.meta.url), 'utf8')) as {
  scopes: { scopes: Scope[] }[];
};

function fileOf(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const mapping = fileOf('mapping.yaml', MAPPING);
const rows = fileOf('rows.ndjson', `${JSON.stringify(rowOf(anOldKey(), 'org_here'))}\n`);
const env = { DATABASE_URL: url, LATCHKEY_SECRET: 'a secret of tests that has more than 32 bytes' };
const run = (config: string, ...args: string[]) =>
  runEntry('cli/keys/import', { ...env, LATCHKEY_CONFIG: config }, [...args, '--mapping', mapping, '--json', rows]);

test('npm run import plans and applies with the database and the secret, without the variables of WorkOS', async () => {
  const at = new Date();
  await db('tenants').insert({ organization_id: 'org_here', billing_status: 'active', created_at: at, updated_at: at });
  const config = fileOf('product.yaml', stringify({ ...product, imports: [OLD] }));
  for (const verb of ['plan', 'apply']) {
    const { code, stdout, stderr } = await run(config, verb, OLD.name);
    expect([verb, code, stderr]).toEqual([verb, 0, '']);
    expect(JSON.parse(stdout)).toMatchObject({ rows: { ready: 1 } });
  }
  expect(await db('api_keys').where({ organization_id: 'org_here', origin: 'imported' })).toHaveLength(1);
});

test('npm run import names the missing variables of WorkOS where a scope has requires', async () => {
  const [group] = product.scopes;
  const [scope] = group!.scopes;
  const scopes = [
    { ...group, scopes: [{ ...scope, requires: 'default_product' }, ...group!.scopes.slice(1)] },
    ...product.scopes.slice(1),
  ];
  const { code, stderr } = await run(
    fileOf('asking.yaml', stringify({ ...product, scopes, imports: [OLD] })),
    'plan',
    OLD.name,
  );
  expect(code).toBe(1);
  expect(stderr).toContain('WORKOS_API_KEY: is missing');
});
