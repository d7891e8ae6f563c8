import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { VARIABLES } from '../../src/app/read-config.ts';
import { readModules } from './modules.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const variablesPage = read('docs/reference/variables.md');
const routesPage = read('docs/reference/routes.md');
const dependenciesPage = read('docs/explanation/dependencies.md');
const served = readModules().filter(({ path }) => !path.startsWith('emulator/'));

test('the reference lists every variable of the environment', () => {
  expect(VARIABLES.length).toBeGreaterThan(15);
  expect(VARIABLES).toContain('STRIPE_WEBHOOK_SECRET');
  expect(VARIABLES.filter((name) => !variablesPage.includes(`\`${name}\``))).toEqual([]);
});

test('the reference lists every route', () => {
  const routes = served.flatMap(({ text }) => [...text.matchAll(/\bpath: '(\/[^']*)'/g)].map(([, path]) => path!));
  expect(routes).toContain('/v1/api-keys');
  expect([...new Set(routes)].filter((path) => !routesPage.includes(` ${path}\``))).toEqual([]);
});

test('the page of dependencies gives a reason for every package that ships', () => {
  const { dependencies } = JSON.parse(read('package.json')) as { dependencies: object };
  const names = Object.keys(dependencies);
  expect(names.filter((name) => !dependenciesPage.includes(`\`${name}\``))).toEqual([]);
});

test('the README is a landing page, not a manual', () => {
  expect(read('README.md').split('\n').length).toBeLessThanOrEqual(130);
});
