import { z } from 'zod';
import { daysOf, lifetime } from './duration.ts';

const prefix = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_]{1,15}$/, 'must have 2 to 16 letters, digits or _, and begin with a letter');

/** Least characters of a fixed-length key besides its prefix and checksum: 24 are 142 bits. */
const MIN_BODY = 24;
const CHECKSUM_LENGTH = 6;

const KeyFormat = z
  .strictObject({
    live: prefix.describe('Prefix of a live key.'),
    test: prefix.optional().describe('Prefix of a test key.'),
    checksum: z
      .boolean()
      .default(false)
      .describe(
        'Whether the last six characters of a key are a checksum, by which a mistyped or invented key is refused without a look-up.',
      ),
    length: z
      .int()
      .min(32)
      .max(128)
      .optional()
      .describe(
        "Length of the whole key. Its secret is then derived from WorkOS's, which cannot be recovered from it.",
      ),
    accept_bare: z
      .boolean()
      .default(false)
      .describe("Whether keys in WorkOS's own form are accepted, too, such as those from before this format."),
  })
  .describe("The product's own form of keys (docs/reference/key-formats.md); WorkOS's, if not given.");

const Expiry = z
  .strictObject({
    default: lifetime
      .default('never')
      .describe('Lifetime of a key whose request names none: `never`, or a duration such as `90d`.'),
    longest: lifetime.default('never').describe('Longest lifetime of a key: `never`, or a duration such as `365d`.'),
    extend: z
      .boolean()
      .default(false)
      .describe('Whether the expiry of a key may be moved later; it may always be moved earlier.'),
    rotation: z
      .enum(['keep', 'renew'])
      .default('keep')
      .describe(
        "When a rotated key's successor expires: `keep`: when the old key would have; `renew`: after the lifetime that the old key had.",
      ),
  })
  .prefault({})
  .describe('When keys expire.');

/** What happens to a key that a scanner finds in public. The list is closed. */
export const LEAK_RESPONSES = ['revoke', 'suspend', 'notify'] as const;
export type LeakResponse = (typeof LEAK_RESPONSES)[number];

/** Of a permission set. */
export const leakResponse = z
  .enum(LEAK_RESPONSES)
  .default('revoke')
  .describe(
    'What happens to a key of this set that is reported as published: `revoke` ends it at once, `suspend` stops it until a person resumes it, `notify` only records and sends `api_key.leaked`.',
  );

export const QUOTA_REACHES = ['organization', 'everywhere'] as const;

export const KeyRules = z.strictObject({
  prefixes: z.array(prefix).min(1).max(8).describe('Prefixes by which a credential is recognized as an API key.'),
  format: KeyFormat.optional(),
  owners: z
    .array(z.enum(['organization', 'user']))
    .min(1)
    .max(2)
    .default(['organization'])
    .describe(
      'Owners that keys may have: the organization, one of its people, or either. The first is the default of a new key.',
    ),
  keys_per_user: z.int().min(1).max(10_000).default(10).describe('Most active keys of one person.'),
  keys_per_user_within: z
    .enum(QUOTA_REACHES)
    .default('organization')
    .describe(
      'Where the keys of a person are counted: in each `organization` by itself, or `everywhere`, in all of them together.',
    ),
  expiry: Expiry,
});

export type KeyRules = z.output<typeof KeyRules>;
export type KeyFormatRules = NonNullable<KeyRules['format']>;

type Report = (path: (string | number)[], message: string) => void;

export function checkKeyRules({ prefixes, format, expiry, owners }: KeyRules, report: Report): void {
  const bare = prefixes.map((prefix, i) => ({ prefix, path: ['prefixes', i], isBare: true }));
  const own = (['live', 'test'] as const)
    .filter((environment) => format?.[environment] !== undefined)
    .map((environment) => ({ prefix: format![environment]!, path: ['format', environment], isBare: false }));
  const named = [...bare, ...own];
  for (const [i, one] of named.entries()) {
    const other = named.find(
      // The product's own form is tried first: it may go on where WorkOS's begins, as sk_live_ does.
      (each, j) =>
        j !== i &&
        (each.prefix !== one.prefix || j < i) &&
        each.prefix.startsWith(one.prefix) &&
        (each.isBare || !one.isBare || each.prefix === one.prefix),
    );
    if (other)
      report(one.path, `'${one.prefix}' is how '${other.prefix}' begins, so their keys cannot be distinguished`);
  }
  if (format?.length !== undefined) checkLength(format, format.length, report);
  const [first, longest] = [daysOf(expiry.default), daysOf(expiry.longest)];
  if (longest !== undefined && (first === undefined || first > longest))
    report(['expiry', 'default'], `'${expiry.default}' is longer than the longest, '${expiry.longest}'`);
  if (new Set(owners).size < owners.length) report(['owners'], 'names an owner twice');
}

function checkLength({ live, test = '', checksum }: KeyFormatRules, length: number, report: Report): void {
  const body = length - Math.max(live.length, test.length) - (checksum ? CHECKSUM_LENGTH : 0);
  if (body < MIN_BODY)
    report(['format', 'length'], `leaves ${body} characters for the secret, which needs ${MIN_BODY}`);
}
