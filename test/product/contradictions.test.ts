import { describe, expect, test } from 'vitest';
import { StartError } from '../../src/errors.ts';
import { parseProduct } from '../../src/product/read-product.ts';

const FILE = `product: Memory
api_keys:
  prefixes: [sk_]
  owners: [organization]
  format: { live: mem_live_, test: mem_test_, checksum: true, length: 48 }
  expiry: { default: 90d, longest: 1y }
scopes:
  - group: All
    scopes:
      - { name: 'a:read', description: Reads. }
      - { name: 'a:write', description: Writes., implies: ['a:read'] }
      - { name: 'a:rule', description: Rules. }
never_granted: ['a:rule']
permission_sets:
  - { name: reader, description: Reads., scopes: ['a:read'] }
chosen_scopes: ['a:read', 'a:write']
plans:
  - { name: standard, key_limit: 10 }
default_plan: standard
`;

function refusalOf(yaml: string): string {
  try {
    parseProduct(yaml, 'x.yaml');
  } catch (error) {
    if (error instanceof StartError) return error.message;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('a product file with a contradiction', () => {
  test('accepts the file that the cases below break', () => {
    expect(parseProduct(FILE, 'x.yaml')).toMatchObject({ product: 'Memory', chosen_scopes: ['a:read', 'a:write'] });
  });

  test.each([
    ['a set with an unknown scope', "scopes: ['a:read'] }", "scopes: ['a:paint'] }", 15, "'reader' grants 'a:paint'"],
    ['a set with a never-granted scope', "scopes: ['a:read'] }", "scopes: ['a:rule'] }", 15, 'which is never granted'],
    [
      'an implied scope that is unknown',
      "implies: ['a:read']",
      "implies: ['a:paint']",
      11,
      "implies 'a:paint', which is not",
    ],
    ['a scope that implies itself', "implies: ['a:read']", "implies: ['a:write']", 11, "'a:write' implies itself"],
    [
      'a choice of what is never granted',
      "['a:read', 'a:write']",
      "['a:read', 'a:rule']",
      16,
      "'a:rule' is never granted",
    ],
    [
      'a choice of what is unknown',
      "['a:read', 'a:write']",
      "['a:read', 'a:paint']",
      16,
      "'a:paint' is not among the scopes",
    ],
    ['a choice twice', "['a:read', 'a:write']", "['a:read', 'a:read']", 16, "'a:read' is there twice"],
    [
      'a never-granted scope that is unknown',
      "never_granted: ['a:rule']",
      "never_granted: ['a:paint']",
      13,
      "'a:paint' is not",
    ],
    [
      'a prefix that is how another begins',
      'test: mem_test_',
      'test: mem_live_t',
      5,
      "'mem_live_' is how 'mem_live_t' begins",
    ],
    ['one prefix for live and test', 'test: mem_test_', 'test: mem_live_', 5, "is how 'mem_live_' begins"],
    [
      "a prefix that is how WorkOS's begins",
      'prefixes: [sk_]',
      'prefixes: [mem_live_old_]',
      5,
      "'mem_live_' is how 'mem_live_old_' begins",
    ],
    ['a default that outlives the longest', 'default: 90d', 'default: 2y', 6, "'2y' is longer than the longest, '1y'"],
    ['no default end where there is a longest', 'default: 90d, ', '', 6, "'never' is longer than the longest, '1y'"],
    ['a length without room for the secret', 'length: 48', 'length: 38', 5, 'leaves 23 characters for the secret'],
    ['an owner twice', 'owners: [organization]', 'owners: [user, user]', 4, 'names an owner twice'],
  ])('refuses %s with its line', (_what, part, wrong, line, reason) => {
    expect(FILE.split(part)).toHaveLength(2);
    const refused = refusalOf(FILE.replace(part, wrong));
    expect(refused).toContain(reason);
    expect(refused).toContain(`line ${line}:`);
  });

  test('refuses a product with neither sets nor chosen_scopes', () => {
    const without = FILE.replace(/^permission_sets:\n.*\n/m, '').replace(/^chosen_scopes:.*\n/m, '');
    expect(refusalOf(without)).toContain('is empty, and so is chosen_scopes');
  });
});
