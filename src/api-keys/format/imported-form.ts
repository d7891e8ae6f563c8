import { createHmac, hash } from 'node:crypto';
import { isSlow } from '../../product/imports/import-rules.ts';
import type { FastHash, ImportRule, SlowRule } from '../../product/imports/import-rules.ts';
import type { KeptHash } from '../key.ts';

/** The keys of one import: how they look, and how the other system has hashed them. */
export type ImportedForm = {
  /** Whether a credential looks like a key of this import. */
  fits(presented: string): boolean;
  /** Returns the hash that the other system has of a key that fits; undefined where a locator finds it. */
  hashOf(presented: string): KeptHash | undefined;
  /** Returns what finds and proves a key that fits; undefined where its hash does. */
  locate(presented: string): LocatedKey | undefined;
};

/** A key whose hash has a salt: rows with the locator are its candidates, and `hashed` is what their hashes are of. */
export type LocatedKey = { hmacKeyId: string; locator: string; hashed: string };

/** What may follow the prefix of a key. */
export const CHARACTERS: Record<ImportRule['characters'], RegExp> = {
  hex: /^[0-9a-fA-F]*$/,
  letters: /^[A-Za-z]*$/,
  base62: /^[A-Za-z0-9]*$/,
  word: /^[\w-]*$/,
};

/** Bytes of a hash. */
export const HASH_BYTES: Record<FastHash, number> = {
  sha256: 32,
  'hmac-sha256': 32,
  sha512: 64,
  'hmac-sha512': 64,
};

/** A hash of another system has this and the name of its import instead of the id of an HMAC key. */
const NAMED = 'import:';

export function hmacKeyIdOfImport(name: string): string {
  return NAMED + name;
}

export function isHashOfImport(hmacKeyId: string): boolean {
  return hmacKeyId.startsWith(NAMED);
}

/** @param secretOf the secret of an import with an HMAC */
export function makeImportedForm(rule: ImportRule, secretOf: (name: string) => Buffer): ImportedForm {
  const { name, prefix = '', characters, min_length: min, max_length: max } = rule;
  const hmacKeyId = hmacKeyIdOfImport(name);
  return {
    fits: (presented) =>
      presented.length >= min &&
      presented.length <= max &&
      presented.startsWith(prefix) &&
      CHARACTERS[characters].test(presented.slice(prefix.length)),
    ...finder(rule, hmacKeyId, secretOf),
  };
}

function finder(rule: ImportRule, hmacKeyId: string, secretOf: (name: string) => Buffer) {
  if (isSlow(rule))
    return {
      hashOf: () => undefined,
      locate(presented: string): LocatedKey | undefined {
        const locator = locatorOf(rule, presented);
        return locator === undefined ? undefined : { hmacKeyId, locator, hashed: hashedPart(rule, presented) };
      },
    };
  const digest = digestOf(rule, secretOf);
  return {
    hashOf: (presented: string) => ({ secretHash: digest(hashedPart(rule, presented)), hmacKeyId }),
    locate: () => undefined,
  };
}

/** Returns what finds the rows of a key; undefined for one that has too little behind the prefix. */
export function locatorOf({ locator, prefix = '' }: SlowRule, key: string): string | undefined {
  const end = locator === 'before_last_underscore' ? key.lastIndexOf('_') : locator;
  return end > prefix.length && end <= key.length ? key.slice(0, end) : undefined;
}

function digestOf({ hash: algorithm, name }: ImportRule, secretOf: (name: string) => Buffer): (text: string) => Buffer {
  if (algorithm === 'sha256' || algorithm === 'sha512') return (text) => hash(algorithm, text, 'buffer');
  const secret = secretOf(name);
  const inner = algorithm === 'hmac-sha256' ? 'sha256' : 'sha512';
  return (text) => createHmac(inner, secret).update(text).digest();
}

/** Returns the part of a whole key that the other system has hashed. */
function hashedPart({ prefix = '', hashed }: ImportRule, key: string): string {
  if (hashed === 'behind_prefix') return key.slice(prefix.length);
  return hashed === 'whole' ? key : key.slice(key.lastIndexOf('_') + 1);
}
