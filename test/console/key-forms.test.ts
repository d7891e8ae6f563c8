import { describe, expect, it, test } from 'vitest';
import { compareSets } from '../../src/console/create-key/compare-sets.ts';
import { findScopes, heldBy } from '../../src/console/create-key/scopes.ts';
import { findPresented, lastFourOf } from '../../src/console/dialogs/find-presented.ts';
import { expiryOptions, readExpiry, usualExpiry } from '../../src/console/settings/expiry.ts';
import { NO_SETTINGS, changedSettings, readSettings } from '../../src/console/settings/settings.ts';
import { en } from '../../src/console/words/languages/en.ts';
import { makeFormat } from '../../src/console/words/format.ts';

const set = (name: string, ...scopes: string[]) => ({ name, description: name, scopes, allowed: true });
const scope = (name: string, implies: string[] = [], grantable = true) => ({
  name,
  description: `May ${name}.`,
  implies,
  requires: null,
  grantable,
  choosable: true,
});
const group = (name: string, ...permissions: ReturnType<typeof scope>[]) => ({
  group: name,
  description: null,
  permissions,
});

describe('compareSets', () => {
  it('sorts sets by size, and says what each adds to the largest that it includes', () => {
    const compared = compareSets([set('all', 'a', 'b', 'c'), set('some', 'a', 'b'), set('other', 'd')]);
    expect(compared.map(({ set: { name }, smaller, adds }) => [name, smaller?.name, adds])).toEqual([
      ['other', undefined, ['d']],
      ['some', undefined, ['a', 'b']],
      ['all', 'some', ['c']],
    ]);
  });
});

const GROUPS = [
  group('Files', scope('manage', ['write']), scope('write', ['read']), scope('read')),
  group('Keys', scope('keys', [], false)),
];
const names = (sought: string) =>
  findScopes(GROUPS, sought).flatMap(({ permissions }) => permissions.map(({ name }) => name));

describe('scopes of a key', () => {
  it('are held through others at any distance, also in a circle', () => {
    expect([...heldBy(['manage'], GROUPS)]).toEqual([
      ['write', 'manage'],
      ['read', 'manage'],
    ]);
    const circle = [group('Files', scope('a', ['b']), scope('b', ['a']))];
    expect([...heldBy(['a'], circle)]).toEqual([['b', 'a']]);
  });

  it('are found by plain text, and never those that no key has', () => {
    expect(names('MAY WRITE')).toEqual(['write']);
    expect(names('')).toEqual(['manage', 'write', 'read']);
    expect(names('(')).toEqual([]);
  });
});

describe('a leaked key', () => {
  const keys = [{ prefix: 'sk_...dLjS' }, { prefix: 'sk_...abcd' }, { prefix: 'mxs_...dLjS' }];
  test.each([
    ['alone', 'sk_2V1AyQkIsfKDfqfaA4TGIPHdLjS'],
    ['in a line of .env', 'export API_KEY="sk_2V1AyQkIsfKDfqfaA4TGIPHdLjS"'],
    ['in a header', 'Authorization: Bearer sk_2V1AyQkIsfKDfqfaA4TGIPHdLjS\n'],
  ])('is found %s', (_where, pasted) => {
    expect(lastFourOf(pasted)).toBe('dLjS');
    expect(findPresented(keys, pasted)).toEqual([{ prefix: 'sk_...dLjS' }]);
  });

  it('is not looked for while it is too short', () => {
    expect(lastFourOf('sk_dLjS')).toBeUndefined();
  });
});

describe('the expiry of a new key', () => {
  const limits = { max_expiry_days: 90 };
  const facts = (defaultDays: number | null, maxDays: number | null, planDays: number | null = null) => ({
    product: { expiry: { default_days: defaultDays, max_days: maxDays, extendable: false } },
    organization: { limits: { ...limits, max_expiry_days: planDays } as never },
  });
  const f = makeFormat('en');

  test.each([
    ['never, where nothing bounds it', facts(null, null), 'never'],
    ['the default', facts(30, 365), '30'],
    ['the longest of the plan, where the default is longer', facts(90, null, 14), '14'],
    ['the longest, where never is not allowed', facts(null, 365), '365'],
  ])('is %s', (_what, given, choice) => {
    expect(usualExpiry(given).choice).toBe(choice);
    expect(expiryOptions(given, en, f).map(({ value }) => value)).toContain(choice);
  });

  it('offers nothing beyond the longest', () => {
    expect(expiryOptions(facts(30, 45), en, f).map(({ value }) => value)).toEqual(['7', '30', 'date']);
  });

  it('is sent as a lifetime, or as the end of a local day', () => {
    expect(readExpiry({ choice: '30', date: '' })).toEqual({ expires_in: '30d' });
    expect(readExpiry({ choice: 'never', date: '' })).toEqual({ expires_in: 'never' });
    const { expires_at: at } = readExpiry({ choice: 'date', date: '2030-02-01' }) as { expires_at: string };
    expect(new Date(at).getTime()).toBe(new Date('2030-02-01T23:59:59').getTime());
  });
});

describe('the settings of a key', () => {
  it('are read from texts', () => {
    const settings = {
      ...NO_SETTINGS,
      description: ' CI ',
      rate: '10',
      concurrency: '2',
      addresses: '10.0.0.1, ::1\n',
    };
    expect(readSettings(settings)).toEqual({
      description: 'CI',
      rate_limit: { limit: 10, window_seconds: 60 },
      concurrency: 2,
      ip_allow_list: ['10.0.0.1', '::1'],
    });
  });

  it('are sent as far as they changed', () => {
    expect(changedSettings(NO_SETTINGS, { ...NO_SETTINGS, rate: '5' })).toEqual({
      rate_limit: { limit: 5, window_seconds: 60 },
    });
    expect(changedSettings(NO_SETTINGS, { ...NO_SETTINGS, windowSeconds: '1' })).toEqual({});
  });
});
