import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

test('the page of dependencies gives a reason for every package that ships', () => {
  const { dependencies } = JSON.parse(read('package.json')) as { dependencies: object };
  const page = read('docs/explanation/dependencies.md');
  expect(Object.keys(dependencies).filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

test('the README is a landing page, not a manual', () => {
  expect(read('README.md').split('\n').length).toBeLessThanOrEqual(130);
});
