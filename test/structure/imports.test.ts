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
  const { imports, packages } = parseModule('api-keys/x.ts', text);
  expect(imports).toEqual([
    'api-keys/a.ts',
    'api-keys/b.ts',
    'c.ts',
    'api-keys/d.ts',
    'api-keys/e.ts',
    'api-keys/f.ts',
    'api-keys/g.ts',
  ]);
  expect(packages).toEqual(['node:fs/promises']);
});

describe('a planted violation is found:', () => {
  test.each([
    ['the ground imports a feature', 'errors.ts', `import { x } from './api-keys/key.ts';`],
    ['infrastructure imports a feature', 'http/x.ts', `import type { Key } from '../api-keys/key.ts';`],
    ['a feature imports the wiring', 'api-keys/x.ts', `import { makeContainer } from '../app/container.ts';`],
    ['a feature imports an entry', 'api-keys/x.ts', `import '../main.ts';`],
    ['the wiring imports an entry part', 'app/container.ts', `import { runProcess } from '../process/run-process.ts';`],
    [
      "a feature imports another's repository",
      'api-keys/x.ts',
      `import type { T } from '../tenants/tenant-repository.ts';`,
    ],
    ['a feature imports the local WorkOS', 'api-keys/x.ts', `import { DEMO } from '../emulator/demo.ts';`],
    ['the production start imports the local WorkOS', 'main.ts', `import { DEMO } from './emulator/demo.ts';`],
    ['the local WorkOS imports the service', 'emulator/x.ts', `import { AppError } from '../errors.ts';`],
    ['http imports the database', 'http/x.ts', `import { isDatabaseUnavailable } from '../db/pg-errors.ts';`],
    ['the SDK is used outside its folder', 'auth/x.ts', `import { WorkOS } from '@workos-inc/node';`],
    ['pglite is used elsewhere', 'db/x.ts', `import { PGlite } from '@electric-sql/pglite/worker';`],
    ['Redis is used outside its folder', 'verification/x.ts', `import { createClient } from '@redis/client';`],
    ["Stripe's library is used outside its folder", 'billing/x.ts', `const it = await import('stripe');`],
    ['a migration is used elsewhere', 'api-keys/x.ts', `import * as m from '../../migrations/1_x.ts';`],
    ['the environment is read by a feature', 'api-keys/x.ts', `const level = process.env['LOG_LEVEL'];`],
    ['the environment is imported by a feature', 'api-keys/x.ts', `import { env } from 'node:process';`],
    ['the client imports the service', 'client/x.ts', `import { AppError } from '../errors.ts';`],
    ['a feature imports the client', 'api-keys/x.ts', `import { createLatchkeyClient } from '../client/client.ts';`],
    ['the client needs a package', 'client/x.ts', `import { LRUCache } from 'lru-cache';`],
    ['a folder has no place', 'helpers/x.ts', `import { AppError } from '../errors.ts';`],
  ])('%s', (_what, path, text) => {
    expect(violations([parseModule(path, text)])).toHaveLength(1);
  });

  test('two files import each other', () => {
    const planted = [
      parseModule('api-keys/a.ts', `import { b } from './b.ts';`),
      parseModule('api-keys/b.ts', `import { a } from './a.ts';`),
    ];
    expect(violations(planted)).toEqual(['circle: api-keys/a.ts → api-keys/b.ts → api-keys/a.ts']);
  });

  test('two features import each other through different files', () => {
    const planted = [
      parseModule('api-keys/a.ts', `import { b } from '../billing/b.ts';`),
      parseModule('billing/c.ts', `import { d } from '../api-keys/d.ts';`),
    ];
    expect(violations(planted)).toEqual(['circle: api-keys → billing → api-keys']);
  });
});
