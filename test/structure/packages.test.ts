import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

type Lock = { packages: Record<string, { hasInstallScript?: boolean; resolved?: string }> };

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const { packages } = JSON.parse(read('package-lock.json')) as Lock;

test('no package runs a script when it is installed', () => {
  const names = Object.keys(packages).filter((name) => packages[name]!.hasInstallScript === true);
  expect(Object.keys(packages).length).toBeGreaterThan(200);
  expect(names).toEqual([]);
});

test('the lock file records no address that packages are downloaded from', () => {
  const addresses = Object.values(packages).flatMap(({ resolved = '' }) => (resolved.includes('://') ? resolved : []));
  expect(addresses).toEqual([]);
});

test('every script starts on the Node that the launcher finds', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  expect(Object.values(scripts).filter((script) => !script.startsWith('node scripts/node.cjs '))).toEqual([]);
});
