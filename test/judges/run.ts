import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { startEmulator } from '../../src/emulator/emulator.ts';
import { askAll } from './ask.ts';
import type { Judged } from './ask.ts';
import { compare, describe } from './compare.ts';
import { EXPLANATIONS, explain } from './explanations.ts';
import { PROBES } from './requests.ts';
import { openSpecification } from './specification.ts';
import { writeTable } from './table.ts';
import type { Row } from './table.ts';

// `npm run docs:judges [-- --check]`: sends the same requests to the local WorkOS and to WorkOS's own emulator, and
// writes the differences with their explanations into docs/reference. Fails for an unexplained difference, for an unused
// explanation, and with --check for a page that is out of date.

const FOLDER = import.meta.dirname;
const PAGE = join(FOLDER, '..', '..', 'docs', 'reference', 'workos-emulators.md');
const PACKAGE = join(FOLDER, 'node_modules', 'workos');

type Theirs = { createEmulator: (options: { port: number }) => Promise<Judged & { close(): Promise<void> }> };

const { table, problems } = await judge();
if (process.argv.includes('--check')) {
  if (readFileSync(PAGE, 'utf8') !== table) problems.push('The page differs: run npm run docs:judges.');
} else {
  mkdirSync(dirname(PAGE), { recursive: true });
  writeFileSync(PAGE, table);
}
for (const problem of problems) process.stderr.write(`${problem}\n`);
process.exit(problems.length > 0 ? 1 : 0);

async function judge(): Promise<{ table: string; problems: string[] }> {
  install();
  const seed = { environment: { apiKey: 'sk_test_judged', clientId: 'client_judged' } };
  const ours = await startEmulator({ port: 0, stateFile: ':memory:', seed });
  const { createEmulator } = (await import(join(PACKAGE, 'dist', 'emulate', 'index.js'))) as Theirs;
  const theirs = await createEmulator({ port: 0 });
  const [here, there] = [await askAll(ours, PROBES), await askAll(theirs, PROBES)];
  await ours.close();
  await theirs.close();
  const specification = openSpecification();
  const used = new Set<number>();
  const rows = PROBES.map(({ name, method, path: whole }): Row => {
    const [own, other] = [here.get(name)!, there.get(name)!];
    const path = whole.split('?')[0]!;
    const differences = compare(own, other).map((difference) => ({
      difference: describe(difference),
      because: explain(specification, { name, method, path, difference }, (index) => void used.add(index)),
    }));
    return { name, request: `${method} ${path}`, statuses: [own.status, other.status], differences };
  });
  const unexplained = rows.flatMap(({ name, differences }) =>
    differences
      .filter(({ because }) => because === undefined)
      .map(({ difference }) => `Unexplained: ${name}: ${difference}`),
  );
  const idle = EXPLANATIONS.filter((_each, index) => !used.has(index)).map(
    ({ because }) => `Explains nothing: ${because}`,
  );
  return { table: writeTable(rows, versionOf()), problems: [...unexplained, ...idle] };
}

function install(): void {
  if (existsSync(PACKAGE)) return;
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: FOLDER, stdio: 'inherit' });
}

function versionOf(): string {
  return (JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8')) as { version: string }).version;
}
