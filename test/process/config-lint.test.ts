import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { starterProduct } from '../../src/command/project/starter.ts';
import { runEntry, temporaryFolder } from './start.ts';

const EVERSHELL = await readFile(new URL('../../config/evershell.yaml', import.meta.url), 'utf8');
// No variable and no database.
const lint = (...args: string[]) => runEntry('cli/main', {}, ['config', 'lint', ...args]);

async function fileWith(text: string): Promise<string> {
  const path = join(temporaryFolder(), 'latchkey.yaml');
  await writeFile(path, text);
  return path;
}

describe('latchkey-server config lint', () => {
  it('exits with 0 for a product file, and for the one that latchkey init writes', async () => {
    const files = [await fileWith(EVERSHELL), await fileWith(starterProduct('Acme "Tools": $1'))];
    expect(await lint(...files)).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });

  it('exits with 1, and prints every fault with file, line and field', async () => {
    const wrong = EVERSHELL.replace('default_plan: standard', 'default_plan: gold\ncolour: red').replace(
      'key_limit: 10,',
      'key_limit: -10,',
    );
    const path = await fileWith(wrong);
    const lineOf = (text: string) => wrong.slice(0, wrong.indexOf(text)).split('\n').length;
    const { code, stdout } = await lint(path);
    expect([code, stdout]).toEqual([
      1,
      expect.stringContaining(`${path}:${lineOf('key_limit: -10')}: plans.0.key_limit: `),
    ]);
    expect(stdout).toContain('"colour"');
    const { stdout: json } = await lint('--json', path);
    const { data } = JSON.parse(json) as { data: object[] };
    expect(data).toContainEqual(
      expect.objectContaining({ path, line: lineOf('key_limit: -10'), field: 'plans.0.key_limit' }),
    );
    expect(data).toHaveLength(stdout.trim().split('\n').length);
  });

  it('exits with 1 for what is no YAML, at its line', async () => {
    const path = await fileWith('product: Acme\nscopes: [a\nplans: {');
    const { code, stdout } = await lint(path);
    expect([code, stdout]).toEqual([1, expect.stringMatching(/latchkey\.yaml:[23]: [A-Z]/)]);
  });

  it('exits with 0 for a field under its former name, and names the new one on standard error', async () => {
    const path = await fileWith(`${EVERSHELL}\nnotices: {}\n`);
    const { code, stdout, stderr } = await lint(path);
    expect([code, stdout, stderr]).toEqual([
      0,
      '',
      expect.stringMatching(/: notices is now called webhooks; rename it\n$/),
    ]);
  });

  it('exits with 2 for a file that it cannot read, and without a file', async () => {
    const folder = join(temporaryFolder(), 'folder');
    await mkdir(folder);
    for (const path of ['/nowhere/latchkey.yaml', folder])
      expect(await lint(path)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(path) });
    expect(await lint()).toMatchObject({
      code: 2,
      stderr: 'Usage: latchkey-server config lint [--json] FILE [FILE…]\n',
    });
  });
});
