import { createHmac, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { runEntry } from '../process/start.ts';
import { OLD, anOldKey } from './imports.ts';

const folder = mkdtempSync(join(tmpdir(), 'latchkey-import-command-'));
afterAll(() => rmSync(folder, { recursive: true }));
const pathOf = (name: string, text: string) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

const secret = randomBytes(32);
const product = parse(readFileSync(new URL('../../config/evershell.yaml', import.meta.url), 'utf8')) as object;
const env = {
  LATCHKEY_CONFIG: pathOf('product.yaml', stringify({ ...product, imports: [{ ...OLD, hash: 'hmac-sha256' }] })),
  LATCHKEY_IMPORT_SECRETS: `old:${secret.toString('base64')}`,
};
const mapping = pathOf('mapping.yaml', 'default_permission_set: read_only\n');
const run = (...args: string[]) => runEntry('cli/keys/import', env, args);

describe('npm run import -- hash', () => {
  test('needs the product file and the secret of the import alone, and prints no key', async () => {
    const key = anOldKey();
    const rows = pathOf('rows.ndjson', `${JSON.stringify({ id: '1', secret: key.secret })}\n{"id":"2"}\n`);
    const { code, stdout, stderr } = await run('hash', 'old', '--mapping', mapping, rows);
    expect([code, stderr]).toEqual([2, 'line 2: it has no secret of the form that the import has\n']);
    const hash = createHmac('sha256', secret).update(key.secret).digest('hex');
    expect(JSON.parse(stdout)).toEqual({ id: '1', start: key.secret.slice(0, 9), hash });
  });

  test('names what is missing', async () => {
    const { code, stderr } = await run('hash', 'other', '--mapping', mapping, mapping);
    expect([code, stderr]).toEqual([1, "The product file has no import 'other'. It has: old.\n"]);
    expect(await run('hash', 'old')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Usage: npm run import'),
    });
  });
});
