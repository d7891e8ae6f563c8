import { readFile } from 'node:fs/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { productJsonSchema } from '../../scripts/product-schema.ts';
import { StartError } from '../../src/errors.ts';
import { parseProduct, readProduct } from '../../src/product/read-product.ts';

const DEFAULT_FILE = new URL('../../config/evershell.yaml', import.meta.url);
const COMMITTED_SCHEMA = new URL('../../config/latchkey.schema.json', import.meta.url);
const text = await readFile(DEFAULT_FILE, 'utf8');

function lineOf(part: string): number {
  return text.slice(0, text.indexOf(part)).split('\n').length;
}

function refusalOf(yaml: string): string {
  try {
    parseProduct(yaml, 'x.yaml');
  } catch (error) {
    if (error instanceof StartError) return error.message;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('the default configuration', () => {
  test('is the product Evershell with its three permission sets', () => {
    const product = readProduct(DEFAULT_FILE);
    expect(product.product).toBe('Evershell');
    expect(Object.fromEntries(product.permission_sets.map(({ name, scopes }) => [name, scopes]))).toEqual({
      full_access: ['caps:write', 'workspace:read', 'workspace:write', 'tasks:write', 'audit:read'],
      submit_observe: ['workspace:read', 'workspace:write', 'tasks:write', 'audit:read'],
      read_only: ['workspace:read', 'audit:read'],
    });
    expect(product.never_granted).toEqual(['members:write', 'billing:write', 'apikeys:write']);
  });
});

describe('the published JSON Schema', () => {
  test('equals the schema of the code; `npm run schema` writes it', async () => {
    expect(JSON.parse(await readFile(COMMITTED_SCHEMA, 'utf8'))).toEqual(JSON.parse(productJsonSchema()));
  });

  test('accepts the default configuration, which names it for editors', () => {
    expect(new Ajv2020().validate(JSON.parse(productJsonSchema()), parse(text))).toBe(true);
    expect(text).toMatch(/^# yaml-language-server: \$schema=\.\/latchkey\.schema\.json\n/);
  });

  test.each([
    ['an unknown field', { surprise: true }],
    ['a scope that is no word', { never_granted: ['Members Write'] }],
    ['a permission set of nothing', { permission_sets: [{ name: 'empty', description: 'Empty.', scopes: [] }] }],
    ['a negative limit', { plans: [{ name: 'standard', key_limit: -1 }] }],
  ])('refuses %s, as the service does', (_what, change) => {
    const changed = { ...(parse(text) as object), ...change };
    expect(new Ajv2020().validate(JSON.parse(productJsonSchema()), changed)).toBe(false);
    expect(() => parseProduct(JSON.stringify(changed), 'x.yaml')).toThrow(StartError);
  });
});

describe('readProduct refuses, with line and reason,', () => {
  const READ_ONLY = "scopes: ['workspace:read', 'audit:read']";

  test.each([
    [
      'a permission set with a never-granted scope',
      READ_ONLY,
      "scopes: ['workspace:read', 'apikeys:write']",
      "the set 'read_only' grants 'apikeys:write', which is never granted",
    ],
    [
      'a permission set with an unknown scope',
      READ_ONLY,
      "scopes: ['workspace:read', 'workspace:paint']",
      "the set 'read_only' grants 'workspace:paint', which is not among the scopes",
    ],
    [
      'a default plan that is not there',
      'default_plan: standard',
      'default_plan: gold',
      "'gold' is not among the plans",
    ],
    ['a set that is there twice', '- name: read_only', '- name: full_access', "'full_access' is there twice"],
    [
      'a plan whose keys have more than its maximum',
      '{ name: standard, key_limit: 10, rate_limit: none, concurrency: none }',
      '{ name: standard, key_limit: 10, rate_limit: none, max_rate_limit: { limit: 5, window_seconds: 1 } }',
      "of 'standard' goes beyond its max_rate_limit",
    ],
    [
      'a plan with more at a time than its maximum',
      '{ name: standard, key_limit: 10, rate_limit: none, concurrency: none }',
      '{ name: standard, key_limit: 10, concurrency: 11, max_concurrency: 10 }',
      "of 'standard' goes beyond its max_concurrency",
    ],
    [
      'a plan with a permission set that is not there',
      '{ name: standard, key_limit: 10, rate_limit: none, concurrency: none }',
      '{ name: standard, key_limit: 10, allowed_permission_sets: [read_only, gold] }',
      "the plan 'standard' allows 'gold', which is not among the permission sets",
    ],
    [
      'a plan with a permission set twice',
      '{ name: standard, key_limit: 10, rate_limit: none, concurrency: none }',
      '{ name: standard, key_limit: 10, allowed_permission_sets: [read_only, read_only] }',
      "plans.0.allowed_permission_sets.1: the permission set 'read_only' is there twice",
    ],
    [
      'a price of Stripe with a plan that is not there',
      'default_plan: standard',
      'default_plan: standard\nstripe: { prices: { price_1: gold } }',
      "stripe.prices.price_1: 'gold' is not among the plans",
      1,
    ],
    [
      'a status of Stripe that has no end and is a trial',
      'default_plan: standard',
      'default_plan: standard\nstripe: { statuses: { paused: trial } }',
      'stripe.statuses.paused: only trialing can mean trial, because only it has an end',
      1,
    ],
    [
      'a status that Stripe does not have',
      'default_plan: standard',
      'default_plan: standard\nstripe: { statuses: { asleep: active } }',
      'stripe.statuses',
      1,
    ],
    ['an unknown field', 'product: Evershell', 'produkt: Evershell', 'produkt'],
  ])('%s', (_what, part, replacement, reason, below = 0) => {
    const line = lineOf(part) + below;
    const refused = refusalOf(text.replace(part, replacement));
    expect(refused).toContain(reason);
    expect(refused).toContain(`line ${line}:`);
  });

  test('text that is not YAML', () => {
    expect(refusalOf(`${text}\nplans: [`)).toMatch(/^The configuration x\.yaml cannot be used:\n {2}line \d+: /);
  });

  test('an empty file', () => {
    expect(refusalOf('')).toMatch(/^The configuration x\.yaml cannot be used:\n {2}line 1: /);
  });

  test('every fault at once', () => {
    const broken = text.replace('default_plan: standard', 'default_plan: gold').replace(READ_ONLY, 'scopes: [nothing]');
    expect(refusalOf(broken).split('\n')).toHaveLength(3);
  });
});

describe('readProduct', () => {
  test('names a file that does not exist', () => {
    expect(() => readProduct('/nowhere/product.yaml')).toThrow(
      new StartError(
        "Cannot read the configuration /nowhere/product.yaml: ENOENT: no such file or directory, open '/nowhere/product.yaml'",
      ),
    );
  });
});
