import { z } from 'zod';

/** A schema's own format of times is unknown to some of the editors' validators. */
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})$/;
const MAX_IMPORTS = 8;
const MAX_KEY = 512;
/** Other credentials begin so. */
const TAKEN = ['eyJ', 'svc_', 'lkcs_', 'lkus_'];
/** Least characters of a secret without a prefix: 32 hexadecimal digits are 128 bits. */
const MIN_BARE = 32;

/** The characters that follow the prefix of an imported key. */
export const IMPORT_CHARACTERS = ['hex', 'letters', 'base62', 'word'] as const;
/** Hashes that find a key: equal keys have equal ones. */
export const FAST_HASHES = ['sha256', 'sha512', 'hmac-sha256', 'hmac-sha512'] as const;
/** Hashes with a salt, which find no key: a locator does. */
export const SLOW_HASHES = ['bcrypt', 'scrypt', 'argon2id', 'sha256-salted'] as const;
/** How the other system has hashed its keys. */
export const IMPORT_HASHES = [...FAST_HASHES, ...SLOW_HASHES] as const;
export type FastHash = (typeof FAST_HASHES)[number];
/** Which part of a key it has hashed. */
export const HASHED_PARTS = ['whole', 'behind_prefix', 'behind_last_underscore'] as const;

/** Fewest characters behind a locator: what is left of a key to guess. */
const MIN_BEHIND_LOCATOR = 16;
/** bcrypt reads no more of a key. */
const BCRYPT_BYTES = 72;

const length = z.int().min(8).max(MAX_KEY);

const Import = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z][a-z0-9_-]{0,31}$/, 'needs lower-case letters, digits, _ or -, at most 32, beginning with a letter')
      .describe('Name of the import, in commands and in `created_by` of its keys.'),
    prefix: z
      .string()
      .regex(/^[A-Za-z][A-Za-z0-9_-]{0,31}$/, 'must have up to 32 letters, digits, _ or -, and begin with a letter')
      .optional()
      .describe('How every key of the import begins; without one, `min_length` and `max_length` must be equal.'),
    characters: z
      .enum(IMPORT_CHARACTERS)
      .default('word')
      .describe('Characters behind the prefix: `hex`, `letters`, `base62`, or `word`, which adds `_` and `-`.'),
    min_length: length.describe('Fewest characters of a whole key.'),
    max_length: length.describe('Most characters of a whole key.'),
    hash: z.enum(IMPORT_HASHES).describe('How the other system has hashed its keys.'),
    hashed: z.enum(HASHED_PARTS).default('whole').describe('Which part of a key it has hashed.'),
    locator: z
      .union([z.literal('before_last_underscore'), z.int().min(4).max(128)])
      .optional()
      .describe(
        'Which part of a key finds its row, for `bcrypt`, `scrypt`, `argon2id` and `sha256-salted`, and for them alone: `before_last_underscore`, or how many of its first characters.',
      ),
    environment: z.enum(['live', 'test']).default('live').describe('Environment of the imported keys.'),
    until: z
      .string()
      .regex(TIME, 'must be a time such as 2027-01-31T12:00:00Z')
      .refine((value) => !Number.isNaN(Date.parse(value)), 'There is no such time.')
      .optional()
      .describe('When the keys of the import expire, unless they expire earlier; never, if not given.'),
  })
  .describe('Keys of another system.');

export const ImportRules = z
  .array(Import)
  .max(MAX_IMPORTS)
  .default([])
  .describe('Keys of other systems, which go on working here until they are rotated (docs/how-to/import-keys.md).');

export type ImportRule = z.output<typeof Import>;

type Report = (path: (string | number)[], message: string) => void;
type OwnForms = { live: string; test?: string | undefined } | undefined;

/** @param own the product's own prefixes, if it has a format of its own */
export function checkImportRules(imports: readonly ImportRule[], own: OwnForms, report: Report): void {
  const names = imports.map(({ name }) => name);
  for (const [i, rule] of imports.entries()) {
    if (names.indexOf(rule.name) < i) report([i, 'name'], `the import '${rule.name}' is there twice`);
    if (rule.min_length > rule.max_length) report([i, 'min_length'], 'is more than max_length');
    checkLocator(rule, (field, message) => report([i, field], message));
    checkPrefix(rule, own, (field, message) => report([i, field], message));
  }
}

/** Narrows a rule to those whose keys are found by a locator. */
export function isSlow(rule: ImportRule): rule is SlowRule {
  return rule.locator !== undefined;
}
export type SlowRule = ImportRule & { locator: NonNullable<ImportRule['locator']> };

function checkLocator(rule: ImportRule, report: (field: string, message: string) => void): void {
  const { hash, locator, prefix = '', characters, min_length: min, max_length: max } = rule;
  const needsOne = (SLOW_HASHES as readonly string[]).includes(hash);
  if (needsOne && locator === undefined) return report('hash', `'${hash}' finds no key: say by 'locator' what does`);
  if (!needsOne && locator !== undefined) report('locator', `is not for '${hash}', which finds a key by itself`);
  if (hash === 'bcrypt' && max > BCRYPT_BYTES)
    report('max_length', `bcrypt reads ${BCRYPT_BYTES} bytes: a key cannot be longer`);
  if (locator === 'before_last_underscore' && characters !== 'word')
    report('locator', "needs characters 'word': no others have an underscore");
  if (typeof locator !== 'number') return;
  if (locator <= prefix.length) report('locator', 'must reach behind the prefix');
  if (min - locator < MIN_BEHIND_LOCATOR)
    report('locator', `leaves fewer than ${MIN_BEHIND_LOCATOR} characters of the shortest key`);
}

function checkPrefix(rule: ImportRule, own: OwnForms, report: (field: string, message: string) => void): void {
  const { prefix, characters, min_length: min, max_length: max, hashed, environment } = rule;
  if (prefix === undefined) {
    if (min !== max || min < MIN_BARE)
      report('prefix', `is needed, unless keys have one length of ${MIN_BARE} characters or more`);
    if (characters === 'word')
      report('characters', "cannot be 'word' without a prefix: other credentials look like that");
    if (hashed === 'behind_prefix') report('hashed', 'needs a prefix');
    return;
  }
  const taken = TAKEN.find((other) => prefix.startsWith(other) || other.startsWith(prefix));
  if (taken !== undefined)
    report('prefix', `'${prefix}' and '${taken}', which other credentials begin with, are alike`);
  const other = environment === 'live' ? own?.test : own?.live;
  if (other !== undefined && prefix.startsWith(other))
    report('environment', `keys that begin with '${other}' are of the other environment`);
  if (prefix.length >= min) report('min_length', 'leaves no characters behind the prefix');
}
