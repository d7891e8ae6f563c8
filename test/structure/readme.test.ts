import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readModules } from './modules.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const readme = read('README.md');
const served = readModules().filter(({ path }) => !path.startsWith('emulator/'));

test('the README tells every variable of the environment', () => {
  const variables = [...read('src/config/variables.ts').matchAll(/^ {2}([A-Z][A-Z0-9_]+): /gm)].map(
    ([, name]) => name!,
  );
  expect(variables.length).toBeGreaterThan(15);
  expect(variables.filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
});

test('the README tells every route', () => {
  const routes = served.flatMap(({ text }) => [...text.matchAll(/\bpath: '(\/[^']*)'/g)].map(([, path]) => path!));
  expect(routes).toContain('/v1/api-keys');
  expect([...new Set(routes)].filter((path) => !readme.includes(` ${path}\``))).toEqual([]);
});

test('the README gives a reason for every package that ships', () => {
  const { dependencies } = JSON.parse(read('package.json')) as { dependencies: object };
  const names = Object.keys(dependencies);
  expect(names.filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
});

test('every link of the README into the repository leads somewhere', () => {
  const links = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map(([, path]) => path!);
  expect(links.length).toBeGreaterThan(3);
  expect(links.filter((path) => !existsSync(new URL(`../../${path}`, import.meta.url)))).toEqual([]);
});
