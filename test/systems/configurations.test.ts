import { readdirSync, readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { productJsonSchema } from '../../scripts/product-schema.ts';
import { demoProductOf, firstKeyOf, folderOfProduct } from '../../src/embedded/demo-product.ts';
import { demoPermissions } from '../../src/emulator/demo-permissions.ts';
import { makeKeyFormat } from '../../src/api-keys/format/key-format.ts';
import { readProduct } from '../../src/product/read-product.ts';

const FOLDER = new URL('../../examples/systems/', import.meta.url);
const SYSTEMS = ['embermind', 'evermuse', 'evershell', 'memsolus', 'mixus'];

test('there is a configuration for each of the five systems', () => {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml'));
  expect(files.sort()).toEqual(SYSTEMS.map((name) => `${name}.yaml`));
});

test.each(SYSTEMS)('%s.yaml is accepted by the service and by the published JSON Schema, which it names', (name) => {
  const file = new URL(`${name}.yaml`, FOLDER);
  const text = readFileSync(file, 'utf8');
  expect(readProduct(file).product.toLowerCase()).toBe(name);
  const ajv = new Ajv2020();
  ajv.validate(JSON.parse(productJsonSchema()), parse(text));
  expect(ajv.errors ?? []).toEqual([]);
  const [first] = text.split('\n');
  expect(first).toBe('# yaml-language-server: $schema=../../config/latchkey.schema.json');
});

test.each(SYSTEMS)('%s lets no key hold what manages keys, people or money', (name) => {
  const product = readProduct(new URL(`${name}.yaml`, FOLDER));
  const given = new Set([...product.permission_sets.flatMap(({ scopes }) => scopes), ...(product.chosen_scopes ?? [])]);
  expect([...given].filter((scope) => /^(apikeys|members|billing)[.:]/.test(scope))).toEqual([]);
});

const BOTH_FORMS = SYSTEMS.flatMap((name) => ['sk_', 'wos_api_key_'].map((prefix) => ({ name, prefix })));

test.each(BOTH_FORMS)('$name knows a key again that it makes of what WorkOS calls $prefix…', ({ name, prefix }) => {
  const format = makeKeyFormat(readProduct(new URL(`${name}.yaml`, FOLDER)).api_keys);
  const value = format.handOut(`${prefix}Zr3Xc9Qv1Lw8Tn5Yk2Bj7Hd4`, 'live');
  expect(format.prefixes.filter((each) => value.startsWith(each))).not.toEqual([]);
  expect(format.read(value)).toBeDefined();
});

test.each(SYSTEMS)(
  'the demo of %s has an owner with everything, an operator, and a member who reads and uses',
  (name) => {
    const product = readProduct(new URL(`${name}.yaml`, FOLDER));
    const demo = demoPermissions(demoProductOf(product));
    const known = demo.permissions.map(({ slug }) => slug);
    expect(known).toEqual(expect.arrayContaining(['apikeys:read', 'apikeys:write', 'audit:read']));
    expect(new Set(known).size).toBe(known.length);
    const granted = Object.fromEntries(demo.roles.map(({ slug, permissions }) => [slug, permissions]));
    expect(granted['owner']).toEqual(known);
    expect(granted['operator']).toContain('apikeys:write');
    expect(granted['operator']!.filter((slug) => /^(members|billing)/.test(slug))).toEqual([]);
    const own = product.api_keys.owners.includes('user') ? (product.chosen_scopes ?? []) : [];
    const isForMembers = (slug: string) =>
      /[.:]read$|:own$/.test(slug) || (own.includes(slug) && !/[.:]manage$/.test(slug));
    expect(granted['member']!.filter((slug) => !isForMembers(slug))).toEqual([]);
    expect(granted['member']).not.toContain('apikeys:read');
    expect(demo.apiKeyPermissions.organization!.filter((slug) => product.never_granted.includes(slug))).toEqual([]);
  },
);

test.each([
  ['Evershell', { permission_set: 'full_access' }],
  ['Embermind', { permission_set: 'root' }],
  ['Evermuse', { scopes: ['api:read'] }],
  ['Mixus', { scopes: ['eval:create'] }],
  ['Memsolus', { scopes: ['memory.read'] }],
])('the first key of %s is made as the product makes keys', (name, made) => {
  const product = readProduct(new URL(`${name.toLowerCase()}.yaml`, FOLDER));
  expect(firstKeyOf(product)).toEqual({ label: 'CI runner — staging', ...made });
});

test('each product has a data folder of its own, whatever it is called', () => {
  const names = ['Evershell', 'Memsolus', 'memory store', '..', 'a/b', 'workos', '記憶', '記録'];
  const folders = names.map((name) => folderOfProduct('/data', name));
  expect(folders[0]).toBe('/data');
  expect(folders[1]).toBe('/data/product-memsolus');
  expect(new Set(folders).size).toBe(names.length);
  for (const folder of folders.slice(1)) expect(folder).toMatch(/^\/data\/product-[a-z0-9_-]+$/);
});
