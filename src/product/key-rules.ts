import { z } from 'zod';
import { daysOf, lifetime } from './duration.ts';

const prefix = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_]{1,15}$/, 'needs 2 to 16 letters, digits or _, beginning with a letter');

/** Letters that a key of fixed length has at least beside its prefix: 24 are 142 bits. */
const MIN_BODY = 24;
const CHECKSUM_LENGTH = 6;

const KeyFormat = z
  .strictObject({
    live: prefix.describe('How a key begins.'),
    test: prefix.optional().describe('How a key of the test environment begins.'),
    checksum: z
      .boolean()
      .default(false)
      .describe('Whether a key ends with six letters by which a mistyped or invented one is known without a look-up.'),
    length: z
      .int()
      .min(32)
      .max(128)
      .optional()
      .describe("Of the whole key. The secret is then made of WorkOS's, which cannot be had back from it."),
    accept_bare: z
      .boolean()
      .default(false)
      .describe("Whether WorkOS's own form of a key is good, too, such as of keys from before there was this format."),
  })
  .describe("The product's own form of its keys; WorkOS's, if not given.");

const Expiry = z
  .strictObject({
    default: lifetime.default('never').describe('Of a key for which nothing is said.'),
    longest: lifetime.default('never').describe('What no key goes beyond.'),
    extend: z
      .boolean()
      .default(false)
      .describe('Whether the end of a key may be moved out; it may always be moved in.'),
  })
  .prefault({});

export const KeyRules = z.strictObject({
  prefixes: z.array(prefix).min(1).max(8).describe('How a presented credential is known to be an API key.'),
  format: KeyFormat.optional(),
  owners: z
    .array(z.enum(['organization', 'user']))
    .min(1)
    .max(2)
    .default(['organization'])
    .describe(
      'Whose keys may be: of the organization, of one of its people, or either. The first is what is made unless said.',
    ),
  keys_per_user: z
    .int()
    .min(1)
    .max(10_000)
    .default(10)
    .describe('Active keys that a person may have in an organization.'),
  expiry: Expiry,
});

export type KeyRules = z.output<typeof KeyRules>;
export type KeyFormatRules = NonNullable<KeyRules['format']>;

type Report = (path: (string | number)[], message: string) => void;

export function checkKeyRules({ prefixes, format, expiry, owners }: KeyRules, report: Report): void {
  const named = [
    ...prefixes.map((prefix, i) => ({ prefix, path: ['prefixes', i] })),
    ...(format ? [{ prefix: format.live, path: ['format', 'live'] }] : []),
    ...(format?.test === undefined ? [] : [{ prefix: format.test, path: ['format', 'test'] }]),
  ];
  for (const [i, one] of named.entries()) {
    const other = named.find(
      (each, j) => j !== i && (each.prefix !== one.prefix || j < i) && each.prefix.startsWith(one.prefix),
    );
    if (other) report(one.path, `'${one.prefix}' is how '${other.prefix}' begins: nobody could tell their keys apart`);
  }
  if (format?.length !== undefined) checkLength(format, format.length, report);
  const [first, longest] = [daysOf(expiry.default), daysOf(expiry.longest)];
  if (longest !== undefined && (first === undefined || first > longest))
    report(['expiry', 'default'], `'${expiry.default}' is longer than the longest, '${expiry.longest}'`);
  if (new Set(owners).size < owners.length) report(['owners'], 'names an owner twice');
}

function checkLength({ live, test = '', checksum }: KeyFormatRules, length: number, report: Report): void {
  const body = length - Math.max(live.length, test.length) - (checksum ? CHECKSUM_LENGTH : 0);
  if (body < MIN_BODY) report(['format', 'length'], `leaves ${body} letters for the secret, and it needs ${MIN_BODY}`);
}
