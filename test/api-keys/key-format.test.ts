import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checksumOf, endsWithChecksum } from '../../src/scan/key-checksum.ts';
import { makeKeyFormat } from '../../src/api-keys/format/key-format.ts';
import { KeyRules } from '../../src/product/key-rules.ts';

type Format = NonNullable<Parameters<typeof KeyRules.parse>[0]> & object;

const formatOf = (format?: Format) => makeKeyFormat(KeyRules.parse({ prefixes: ['sk_'], ...(format && { format }) }));
const TWO = { live: 'msk_live_', test: 'msk_test_' };

const letters = (characters: string, size: { minLength: number; maxLength: number }) =>
  fc.string({ unit: fc.constantFrom(...characters), ...size });
const ALNUM = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
/** What WorkOS may issue, also what it does not: other beginnings, and words that look like our marker. */
const workosSecret = fc.oneof(
  letters(ALNUM, { minLength: 13, maxLength: 80 }).map((rest) => `sk_${rest}`),
  letters(`${ALNUM}_-`, { minLength: 13, maxLength: 240 }).map((rest) => `sk_${rest}`),
  letters(`${ALNUM}_-`, { minLength: 15, maxLength: 240 }).map((rest) => `w${rest}`),
  letters(`${ALNUM}_-`, { minLength: 13, maxLength: 40 }).map((rest) => `sk__${rest}`),
);
const environment = fc.constantFrom('live' as const, 'test' as const);

describe.each([
  ['with a checksum', { ...TWO, checksum: true }],
  ['without one', TWO],
])("the product's prefix %s", (_name, rules) => {
  const format = formatOf(rules);

  test('is added to and removed from any secret of WorkOS', () => {
    fc.assert(
      fc.property(workosSecret, environment, (secret, where) => {
        const value = format.handOut(secret, where);
        expect(value.startsWith(where === 'live' ? 'msk_live_' : 'msk_test_')).toBe(true);
        expect(format.read(value)).toEqual({ environment: where, secret, workosSecret: secret });
        expect(format.secretOf(value)).toBe(secret);
        expect(format.fits(value, where)).toBe(true);
        expect(format.fits(value, where === 'live' ? 'test' : 'live')).toBe(false);
      }),
    );
  });

  test('gives two secrets two different keys', () => {
    fc.assert(
      fc.property(workosSecret, workosSecret, (one, other) => {
        fc.pre(one !== other);
        expect(format.handOut(one, 'live')).not.toBe(format.handOut(other, 'live'));
      }),
    );
  });
});

describe('a key with a checksum', () => {
  test.each([
    ['of any length', { ...TWO, checksum: true }],
    ['of fixed length', { ...TWO, checksum: true, length: 48 }],
  ])('refuses a key %s with one character changed, left out or doubled', (_name, rules) => {
    const format = formatOf(rules);
    fc.assert(
      fc.property(workosSecret, fc.nat(), fc.constantFrom(...ALNUM), (secret, at, letter) => {
        const value = format.handOut(secret, 'live');
        const i = at % value.length;
        const [before, after] = [value.slice(0, i), value.slice(i + 1)];
        fc.pre(value[i] !== letter);
        expect(format.secretOf(before + letter + after)).toBeUndefined();
        expect(format.secretOf(before + after)).toBeUndefined();
        expect(format.secretOf(value.slice(0, i + 1) + value.slice(i))).toBeUndefined();
      }),
    );
  });
});

describe('a key of fixed length', () => {
  test.each([
    [{ live: 'mxs_eval_', length: 41 }, /^mxs_eval_[A-Za-z0-9]{32}$/],
    [{ live: 'mxs_eval_', length: 41, checksum: true }, /^mxs_eval_[A-Za-z0-9]{32}$/],
    [{ live: 'k_', length: 128 }, /^k_[A-Za-z0-9]{126}$/],
  ])('%j has it, whatever WorkOS issues, and is the same each time', (rules, form) => {
    const format = formatOf(rules);
    fc.assert(
      fc.property(workosSecret, (secret) => {
        const value = format.handOut(secret, 'live');
        expect(value).toMatch(form);
        expect(format.handOut(secret, 'live')).toBe(value);
        // WorkOS's own secret is not in it, and cannot be asked about.
        expect(value).not.toContain(secret.slice(3));
        expect(format.read(value)).toEqual({ environment: 'live', secret: value, workosSecret: undefined });
      }),
    );
  });

  test('is refused when it is longer, shorter or has other characters', () => {
    const format = formatOf({ live: 'mxs_eval_', length: 41 });
    const value = format.handOut('sk_a_secret_of_workos_0123456789', 'live');
    for (const wrong of [`${value}a`, value.slice(0, -1), `${value.slice(0, -1)}_`, `${value.slice(0, -1)}é`])
      expect(format.secretOf(wrong)).toBeUndefined();
  });

  test('has all characters about equally often', () => {
    const format = formatOf({ live: 'k_', length: 128 });
    const counts = new Map<string, number>();
    for (let i = 0; i < 1_000; i++) {
      const value = format.handOut(`sk_secret_number_${i}`, 'live');
      for (const letter of value.slice(2)) counts.set(letter, (counts.get(letter) ?? 0) + 1);
    }
    // 126,000 letters over 62: 2,032 each, give or take 45; were bytes cut by 62 alone, eight letters had 25% more.
    expect(counts.size).toBe(62);
    expect(Math.max(...counts.values())).toBeLessThan(2_032 + 6 * 45);
    expect(Math.min(...counts.values())).toBeGreaterThan(2_032 - 6 * 45);
  });
});

describe("WorkOS's own format", () => {
  const bare = 'sk_a_secret_of_workos_0123456789';

  test('is the only one where none is configured', () => {
    const format = formatOf();
    expect(format.handOut(bare, 'live')).toBe(bare);
    expect(format.read(bare)).toEqual({ environment: undefined, secret: bare, workosSecret: bare });
    expect(format.show(bare, 'live', 'sk_...6789')).toBe('sk_...6789');
    expect(format.prefixes).toEqual(['sk_']);
    for (const wrong of ['', 'sk_short', '1k_a_secret_of_workos', `${bare} `, `${bare}é`, 'a'.repeat(253)])
      expect(format.secretOf(wrong)).toBeUndefined();
  });

  test.each([undefined, 41])('is accepted beside the product’s where that is configured (length %s)', (length) => {
    const rules = { live: 'em_sk_', checksum: true, ...(length && { length }) };
    expect(formatOf(rules).secretOf(bare)).toBeUndefined();
    expect(formatOf(rules).prefixes).toEqual(['em_sk_']);
    const open = formatOf({ ...rules, accept_bare: true });
    expect(open.read(bare)).toEqual({ environment: undefined, secret: bare, workosSecret: bare });
    expect(open.prefixes).toEqual(['em_sk_', 'sk_']);
    // Not whatever looks like a word.
    expect(open.secretOf(`x${bare}`)).toBeUndefined();
    expect(open.secretOf('sk_short')).toBeUndefined();
  });
});

describe('makeKeyFormat', () => {
  test("shows the product's prefix and the last four characters", () => {
    const format = formatOf({ ...TWO, checksum: true });
    const value = format.handOut('sk_a_secret_of_workos_0123456789', 'test');
    expect(format.show(value, 'test', 'sk_...6789')).toBe(`msk_test_...${value.slice(-4)}`);
  });

  test("may go on where WorkOS's own begins", () => {
    const format = formatOf({ live: 'sk_live_', test: 'sk_test_', accept_bare: true });
    const bare = 'sk_a_secret_of_workos_0123456789';
    const live = format.handOut(bare, 'live');
    expect([live, format.show(live, 'live', 'sk_...6789')]).toEqual([
      'sk_live_a_secret_of_workos_0123456789',
      'sk_live_...6789',
    ]);
    expect(format.read(live)).toEqual({ environment: 'live', secret: bare, workosSecret: bare });
    expect(format.read(bare)).toEqual({ environment: undefined, secret: bare, workosSecret: bare });
    expect(format.fits(live, 'test')).toBe(false);
  });

  test('throws for an environment without a prefix', () => {
    const format = formatOf({ live: 'em_sk_' });
    expect(format.has('test')).toBe(false);
    expect(() => format.handOut('sk_a_secret_of_workos_0123456789', 'test')).toThrow(
      'api_keys.format.test is not configured',
    );
  });

  test('accepts one spelling of each secret', () => {
    const format = formatOf({ live: 'em_sk_' });
    // All of a secret behind the marker, which has to be of another beginning.
    expect(format.secretOf('em_sk__sk_a_secret_of_workos')).toBeUndefined();
    expect(format.secretOf('em_sk__a_secret_of_workos')).toBe('a_secret_of_workos');
  });

  test('computes the checksum as the CRC-32 of the text before it, in base62', () => {
    // CRC-32 of "123456789" is 0xCBF43926, the check value of its definition.
    const value = 0xcbf43926;
    const expected = [5, 4, 3, 2, 1, 0]
      .map((power) => Math.floor(value / 62 ** power) % 62)
      .map((digit) => '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'[digit])
      .join('');
    expect(checksumOf('123456789')).toBe(expected);
    expect(endsWithChecksum(`123456789${expected}`)).toBe(true);
    expect(endsWithChecksum(expected)).toBe(false);
    expect(endsWithChecksum('12345')).toBe(false);
  });
});
