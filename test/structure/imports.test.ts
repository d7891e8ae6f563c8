import { describe, expect, test } from 'vitest';
import { parseModule, readModules } from './modules.ts';
import { violations } from './rules.ts';

const modules = readModules();

test('every import of the sources points one way', () => {
  expect(modules.length).toBeGreaterThan(60);
  expect(violations(modules)).toEqual([]);
});

test('every import leads to a source that exists', () => {
  const known = new Set(modules.map(({ path }) => path));
  const lost = modules.flatMap(({ path, imports }) =>
    imports.filter((to) => !to.startsWith('../migrations/') && !known.has(to)).map((to) => `${path} → ${to}`),
  );
  expect(lost).toEqual([]);
});

test('every way to load a module is seen', () => {
  const text = `
import a from './a.ts';
import type { B } from './b.ts';
import {
  c,
  d,
} from '../c.ts';
import './d.ts';
export { e } from './e.ts';
export * from './f.ts';
const g = await import('./g.ts');
import { readFile } from 'node:fs/promises';
`;
  const { imports, packages } = parseModule('keys/x.ts', text);
  expect(imports).toEqual(['keys/a.ts', 'keys/b.ts', 'c.ts', 'keys/d.ts', 'keys/e.ts', 'keys/f.ts', 'keys/g.ts']);
  expect(packages).toEqual(['node:fs/promises']);
});

describe('a planted violation is found:', () => {
  test.each([
    ['the ground imports a feature', 'errors.ts', `import { x } from './keys/key.ts';`],
    ['infrastructure imports a feature', 'http/x.ts', `import type { Key } from '../keys/key.ts';`],
    ['a feature imports the container', 'keys/x.ts', `import { makeContainer } from '../container.ts';`],
    ['a feature imports an entry', 'keys/x.ts', `import '../main.ts';`],
    ['the container imports an entry part', 'container.ts', `import { runProcess } from './process.ts';`],
    [
      "a feature imports another's repository",
      'keys/x.ts',
      `import type { T } from '../billing/tenant-repository.ts';`,
    ],
    ['a feature imports the local WorkOS', 'keys/x.ts', `import { DEMO } from '../emulator/demo.ts';`],
    ['the production start imports the local WorkOS', 'main.ts', `import { DEMO } from './emulator/demo.ts';`],
    ['the local WorkOS imports the service', 'emulator/x.ts', `import { AppError } from '../errors.ts';`],
    ['http imports the database', 'http/x.ts', `import { isDatabaseUnavailable } from '../db/pg-errors.ts';`],
    ['the SDK is used outside its folder', 'auth/x.ts', `import { WorkOS } from '@workos-inc/node';`],
    ['pglite is used elsewhere', 'db/x.ts', `import { PGlite } from '@electric-sql/pglite/worker';`],
    ['Redis is used outside its folder', 'verification/x.ts', `import { createClient } from '@redis/client';`],
    ["Stripe's library is used outside its folder", 'billing/x.ts', `const it = await import('stripe');`],
    ['a migration is used elsewhere', 'keys/x.ts', `import * as m from '../../migrations/1_x.ts';`],
    ['the environment is read by a feature', 'keys/x.ts', `const level = process.env['LOG_LEVEL'];`],
    ['the environment is imported by a feature', 'keys/x.ts', `import { env } from 'node:process';`],
    ['the client imports the service', 'client/x.ts', `import { AppError } from '../errors.ts';`],
    ['a feature imports the client', 'keys/x.ts', `import { createLatchkeyClient } from '../client/client.ts';`],
    ['the client needs a package', 'client/x.ts', `import { LRUCache } from 'lru-cache';`],
    ['a folder has no place', 'helpers/x.ts', `import { AppError } from '../errors.ts';`],
  ])('%s', (_what, path, text) => {
    expect(violations([parseModule(path, text)])).toHaveLength(1);
  });

  test('two files import each other', () => {
    const planted = [
      parseModule('keys/a.ts', `import { b } from './b.ts';`),
      parseModule('keys/b.ts', `import { a } from './a.ts';`),
    ];
    expect(violations(planted)).toEqual(['circle: keys/a.ts → keys/b.ts → keys/a.ts']);
  });

  test('two features import each other through different files', () => {
    const planted = [
      parseModule('keys/a.ts', `import { b } from '../billing/b.ts';`),
      parseModule('billing/c.ts', `import { d } from '../keys/d.ts';`),
    ];
    expect(violations(planted)).toEqual(['circle: keys → billing → keys']);
  });
});
