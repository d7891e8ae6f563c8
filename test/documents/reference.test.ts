import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { referencePages } from '../../scripts/reference/pages.ts';
import { VARIABLES } from '../../src/app/read-config.ts';
import { readModules } from '../structure/modules.ts';

/** Fewer entries than a page has: one that reads nothing of the code is found. */
const MORE_THAN: Readonly<Record<string, number>> = {
  'docs/reference/audit-actions.md': 17,
  'docs/reference/commands.md': 50,
  'docs/reference/configuration.md': 65,
  'docs/reference/error-codes.md': 22,
  'docs/reference/latchkey.md': 19,
  'docs/reference/licences.md': 3,
  'docs/reference/metrics.md': 22,
  'docs/reference/routes.md': 35,
  'docs/reference/variables.md': 65,
  'docs/reference/webhook-events.md': 120,
};

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const pages = await referencePages();
const served = readModules().filter(({ path }) => !path.startsWith('emulator/'));

test('there are the pages that are made of the code', () => {
  expect(pages.map(({ file }) => file).toSorted()).toEqual(Object.keys(MORE_THAN).toSorted());
});

describe.each(pages.map((page) => [page.file, page] as const))('%s', (file, { text, entries }) => {
  test('is as committed; `npm run docs:reference` writes it', () => {
    expect(read(file)).toBe(text);
  });

  test('has all its entries', () => {
    expect(entries.length).toBeGreaterThan(MORE_THAN[file]!);
  });

  test('has a meaning for each entry', () => {
    expect(entries.filter(({ meaning }) => meaning.trim().length < 5).map(({ name }) => name)).toEqual([]);
  });
});

describe('docs/reference/variables.md', () => {
  const text = read('docs/reference/variables.md');

  test('has every variable that the service reads', () => {
    expect(VARIABLES.filter((name) => !text.includes(`| \`${name}\` `))).toEqual([]);
  });

  test('has every variable that an entry reads by name', () => {
    const names = served.flatMap((module) =>
      [...module.text.matchAll(/\bprocess\.env(?:\.|\[')([A-Z][A-Z0-9_]+)/g)].map(([, name]) => name!),
    );
    expect(names).toContain('LATCHKEY_CONFIG');
    expect(names.filter((name) => !text.includes(`| \`${name}\` `))).toEqual([]);
  });
});

test('docs/reference/routes.md has every path that the service serves', () => {
  const text = read('docs/reference/routes.md');
  const paths = served.flatMap((module) =>
    [...module.text.matchAll(/(?:\bpath: |\brouter\.(?:get|post)\()'(\/[^']*)'/g)].map(([, path]) => path!),
  );
  expect(paths).toContain('/v1/api-keys');
  expect(paths).toContain('/console/sign-in');
  expect([...new Set(paths)].filter((path) => !text.includes(` ${path}\``))).toEqual([]);
});

test('docs/reference/commands.md has every script of package.json, and no other', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: object };
  const { entries } = pages.find(({ file }) => file === 'docs/reference/commands.md')!;
  expect(entries.map(({ name }) => name).toSorted()).toEqual(Object.keys(scripts).toSorted());
});
