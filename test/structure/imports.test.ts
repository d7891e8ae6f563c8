import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseModule, readModules } from './modules.ts';
import { violations } from './rules.ts';

const modules = readModules();
const isStyle = (to: string) => to.endsWith('.css') && existsSync(join(import.meta.dirname, '../../src', to));

test('every import of the sources points one way', () => {
  expect(modules.length).toBeGreaterThan(60);
  expect(violations(modules)).toEqual([]);
});

test('every import leads to a source that exists', () => {
  const known = new Set(modules.map(({ path }) => path));
  const lost = modules.flatMap(({ path, imports }) =>
    imports
      .filter((to) => !to.startsWith('../migrations/') && !known.has(to) && !isStyle(to))
      .map((to) => `${path} → ${to}`),
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

/** A file of each layer. */
const SAMPLES = {
  ground: 'config/x.ts',
  infrastructure: 'http/x.ts',
  scan: 'scan/x.ts',
  feature: 'api-keys/x.ts',
  app: 'app/x.ts',
  'entry part': 'embedded/x.ts',
  entry: 'cli/x.ts',
  emulator: 'emulator/x.ts',
  client: 'client/x.ts',
  action: 'action/x.ts',
  command: 'command/x.ts',
  console: 'console/x.tsx',
  doctor: 'doctor/x.ts',
  migrations: '../migrations/1_x.ts',
} as const;
type Layer = keyof typeof SAMPLES;
const LAYERS = Object.keys(SAMPLES) as Layer[];

/** What each layer may import; the rules are held to it pair by pair. */
const ALLOWED: Record<Layer, readonly Layer[]> = {
  ground: ['ground'],
  infrastructure: ['ground', 'infrastructure'],
  scan: ['scan'],
  feature: ['ground', 'infrastructure', 'scan', 'feature'],
  app: ['ground', 'infrastructure', 'feature', 'app'],
  'entry part': ['ground', 'infrastructure', 'entry part'],
  entry: ['ground', 'infrastructure', 'scan', 'feature', 'app', 'entry part', 'doctor', 'command'],
  emulator: ['emulator'],
  client: ['client'],
  action: ['action', 'client'],
  command: ['command', 'client', 'scan'],
  console: ['console', 'client'],
  doctor: ['ground', 'infrastructure', 'feature', 'doctor'],
  migrations: [],
};

/** The violations of `from` when it imports `to`, both paths below src/. */
function planted(from: string, to: string): string[] {
  const up = '../'.repeat(from.split('/').length - 1) || './';
  return violations([parseModule(from, `import { x } from '${up}${to}';`)]);
}

describe('a pair of layers', () => {
  const pairs = LAYERS.filter((from) => from !== 'migrations').flatMap((from) =>
    LAYERS.map((to): [Layer, Layer] => [from, to]),
  );
  test.each(pairs.filter(([from, to]) => ALLOWED[from].includes(to)))('%s may import %s', (from, to) => {
    expect(planted(SAMPLES[from], SAMPLES[to].replace('/x.ts', '/y.ts'))).toEqual([]);
  });
  test.each(pairs.filter(([from, to]) => !ALLOWED[from].includes(to)))('%s may not import %s', (from, to) => {
    expect(planted(SAMPLES[from], SAMPLES[to].replace('/x.ts', '/y.ts'))).toHaveLength(1);
  });
});

describe('a room', () => {
  const rooms = [...new Set(modules.map(({ path }) => path).filter((path) => path.includes('/')))]
    .map((path) => path.slice(0, path.indexOf('/')))
    .filter((room, i, all) => all.indexOf(room) === i);
  test.each(rooms.filter((room) => room !== 'cli'))('%s may not import an entry', (room) => {
    expect(planted(`${room}/x.ts`, 'main.ts')).toHaveLength(1);
  });
  test.each(rooms)('%s may not be imported by the ground', (room) => {
    const isGround = ['config', 'ip', 'process'].includes(room);
    expect(planted('errors.ts', `${room}/x.ts`)).toHaveLength(isGround ? 0 : 1);
  });
  test.each(['errors.ts', 'clock.ts', 'ids.ts', 'secrets.ts'])('%s is ground, and may import no feature', (file) => {
    expect(planted(file, 'api-keys/key.ts')).toHaveLength(1);
  });
  test.each([
    'process/run-process.ts',
    'process/lean-heap.ts',
    'cli/command.ts',
    'cli/commands.ts',
    'embedded/welcome.ts',
  ])('%s is part of an entry, and the wiring may not import it', (file) => {
    expect(planted('app/container.ts', file)).toHaveLength(1);
  });
});

describe('rooms of infrastructure stand side by side', () => {
  const rooms = ['http', 'db', 'telemetry', 'workos'];
  const pairs = rooms.flatMap((from) => rooms.filter((to) => to !== from).map((to) => [from, to] as const));
  test.each(pairs)('%s beside %s', (from, to) => {
    const isAllowed = from === 'workos' && to === 'telemetry';
    expect(planted(`${from}/x.ts`, `${to}/x.ts`)).toHaveLength(isAllowed ? 0 : 1);
  });
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
    ["a feature imports another's reader", 'api-keys/x.ts', `import { x } from '../tenants/tenant-reader.ts';`],
    ["a feature imports another's writer", 'api-keys/x.ts', `import { x } from '../usage/usage-writer.ts';`],
    ["a feature imports another's row", 'api-keys/x.ts', `import { x } from '../members/member-row.ts';`],
    ['a feature imports the local WorkOS', 'api-keys/x.ts', `import { DEMO } from '../emulator/demo.ts';`],
    ['the production start imports the local WorkOS', 'main.ts', `import { DEMO } from './emulator/demo.ts';`],
    ['a command imports the local WorkOS', 'cli/scan.ts', `import { DEMO } from '../emulator/demo.ts';`],
    ['the local WorkOS imports the service', 'emulator/x.ts', `import { AppError } from '../errors.ts';`],
    ['http imports the database', 'http/x.ts', `import { isDatabaseUnavailable } from '../db/pg-errors.ts';`],
    ['a feature imports the API of a product', 'api-keys/x.ts', `import { x } from '../product-api/compile-api.ts';`],
    ['http imports the API of a product', 'http/x.ts', `import { x } from '../product-api/error-form.ts';`],
    ['the API of a product imports a feature', 'product-api/x.ts', `import type { K } from '../api-keys/key.ts';`],
    ['the SDK is used outside its folder', 'auth/x.ts', `import { WorkOS } from '@workos-inc/node';`],
    ['pglite is used elsewhere', 'db/x.ts', `import { PGlite } from '@electric-sql/pglite/worker';`],
    ['Redis is used outside its folder', 'verification/x.ts', `import { createClient } from '@redis/client';`],
    ["Stripe's library is used outside its folder", 'billing/x.ts', `const it = await import('stripe');`],
    ['a migration is used elsewhere', 'api-keys/x.ts', `import * as m from '../../migrations/1_x.ts';`],
    ['a migration is used beside its list', 'db/x.ts', `import * as m from '../../migrations/1_x.ts';`],
    ['the environment is read by a feature', 'api-keys/x.ts', `const level = process.env['LOG_LEVEL'];`],
    ['the environment is imported by a feature', 'api-keys/x.ts', `import { env } from 'node:process';`],
    ['the client imports the service', 'client/x.ts', `import { AppError } from '../errors.ts';`],
    ['a feature imports the client', 'api-keys/x.ts', `import { createLatchkeyClient } from '../client/client.ts';`],
    ['the scan imports the service', 'scan/x.ts', `import { KeyRules } from '../product/key-rules.ts';`],
    ['the scan needs a package', 'scan/x.ts', `import { z } from 'zod';`],
    ['the command needs the database', 'command/x.ts', `import knex from 'knex';`],
    ['the command needs the schemas', 'command/x.ts', `import { z } from 'zod';`],
    ['the command needs pg', 'command/x.ts', `import pg from 'pg';`],
    ['the client needs a package', 'client/x.ts', `import { LRUCache } from 'lru-cache';`],
    ['the console imports the service', 'console/x.tsx', `import { AppError } from '../errors.ts';`],
    ['the console needs Node', 'console/x.tsx', `import { join } from 'node:path';`],
    ['a feature imports the console', 'console-server/x.ts', `import { App } from '../console/app.tsx';`],
    ['a folder that has no place is imported', 'app/x.ts', `import { x } from '../helpers/x.ts';`],
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
