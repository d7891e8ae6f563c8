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
/** How the other system has hashed its keys. */
export const IMPORT_HASHES = ['sha256', 'sha512', 'hmac-sha256', 'hmac-sha512'] as const;
/** Which part of a key it has hashed. */
export const HASHED_PARTS = ['whole', 'behind_prefix', 'behind_last_underscore'] as const;

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
    checkPrefix(rule, own, (field, message) => report([i, field], message));
  }
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
