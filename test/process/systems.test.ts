import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Child } from '../support/child.ts';
import { freePort, startEntry, stop, temporaryFolder } from './start.ts';

const hasCurl = spawnSync('curl', ['--version']).status === 0 && spawnSync('bash', ['--version']).status === 0;

// docs/how-to/run-another-product.md names them.
const PRODUCTS = [
  { slug: 'memsolus', value: /^msk_live_\w{30,}$/ },
  { slug: 'mixus', value: /^mxs_eval_\w{32}$/ },
];

test.skipIf(!hasCurl)(
  'each product starts on one data folder with a demo of its own; what is printed makes a key of it, which a restart knows',
  async () => {
    const folder = join(temporaryFolder(), 'data');
    for (const { slug, value } of PRODUCTS) {
      const first = await start(slug, folder);
      expect(first.welcome).toContain(join(folder, `product-${slug}`));
      const key = paste(first.welcome);
      expect(key.value).toMatch(value);
      expect(await stop(first.child)).toBe(0);
      expect(first.child.stderr()).toBe('');
    }
    const again = await start('memsolus', folder);
    expect(await makeTestKey(again)).toMatch(/^msk_test_\w{30,}$/);
    expect(await labels(again)).toEqual(['a test key', 'CI runner — staging']);
    expect(await stop(again.child)).toBe(0);
    const other = await start('evershell', folder);
    expect(await labels(other)).toEqual([]);
    expect(await stop(other.child)).toBe(0);
  },
  240_000,
);

type Running = { child: Child; welcome: string };

async function start(slug: string, folder: string): Promise<Running> {
  const child = startEntry('embedded', {
    LATCHKEY_CONFIG: join('examples', 'systems', `${slug}.yaml`),
    LATCHKEY_DATA_DIR: folder,
    PORT: `${await freePort()}`,
    WORKOS_PORT: `${await freePort()}`,
    WORKOS_TEST_PORT: `${await freePort()}`,
  });
  await child.saw(/Stop with Ctrl-C/, 60_000);
  return { child, welcome: child.stdout() };
}

function lines(welcome: string): string[] {
  return welcome.split('\n').filter((line) => /^(TOKEN=|curl )/.test(line));
}

function run(script: string): string {
  return spawnSync('bash', ['--norc', '-c', script], { encoding: 'utf8' }).stdout;
}

/** What the printed lines do, pasted as they stand. */
function paste(welcome: string): { value: string } {
  return JSON.parse(run(lines(welcome).join('\n'))) as { value: string };
}

/** Signs in with the printed line, and asks the API. */
async function ask({ welcome }: Running, init: RequestInit = {}): Promise<unknown> {
  const token = run(`${lines(welcome)[0]}\nprintf %s "$TOKEN"`);
  const url = /API +(http:\/\/\S+)/.exec(welcome)![1]!;
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const response = await fetch(`${url}/v1/api-keys`, { headers, ...init });
  expect(response.ok).toBe(true);
  return response.json();
}

async function labels(running: Running): Promise<string[]> {
  return ((await ask(running)) as { data: { label: string }[] }).data.map(({ label }) => label);
}

async function makeTestKey(running: Running): Promise<string> {
  const body = JSON.stringify({ label: 'a test key', scopes: ['memory.read'], environment: 'test' });
  return ((await ask(running, { method: 'POST', body })) as { value: string }).value;
}
