import { hash as digest } from 'node:crypto';
import { locatorOf } from '../../api-keys/format/imported-form.ts';
import { parseSaltedHash } from '../../api-keys/format/salted-hash.ts';
import type { SaltedHash } from '../../api-keys/rows/imported-keys.ts';
import type { SlowRule } from '../../product/imports/import-rules.ts';
import type { Category } from '../category.ts';
import type { Mapping } from '../mapping.ts';
import type { RowFields } from './read-fields.ts';
import { readHash } from './read-hash.ts';

type Read = { hash: Buffer; salted: SaltedHash } | { category: Category; reason: string };

/** Reads the hash of a row, in the form in which it is stored, and what finds it. `hash` stands for both. */
export function readSaltedHash(fields: RowFields, rule: SlowRule, mapping: Mapping): Read {
  const encoded = encodedOf(fields, rule, mapping);
  const parsed = encoded === undefined ? undefined : parseSaltedHash(encoded);
  if (parsed === 'costly')
    return { category: 'unsupported', reason: 'its hash takes more time or memory than a check here may' };
  if (encoded === undefined || parsed?.kind !== rule.hash)
    return { category: 'hash_malformed', reason: `it has no hash of ${rule.hash}, or no salt` };
  const locator = readLocator(fields, rule);
  if (locator === undefined)
    return { category: 'malformed', reason: 'it has no locator: the part of the key that finds its row' };
  return { hash: digest('sha256', `${rule.name}\0${encoded}`, 'buffer'), salted: { locator, encoded } };
}

/** Writes a hash and salt in fields of their own as one text. */
function encodedOf(fields: RowFields, { hash }: SlowRule, { salt: how, scrypt }: Mapping): string | undefined {
  const written = fields.text('hash');
  const saltText = fields.text('salt');
  if (written === undefined || saltText === undefined || written.startsWith('$')) return written;
  const salt = Buffer.from(saltText, how.encoding).toString('base64');
  if (hash === 'sha256-salted') {
    const bytes = readHash(written, 32);
    return bytes && `$sha256$${how.position}$${salt}$${bytes.toString('base64')}`;
  }
  const bytes = readHash(written, 32) ?? readHash(written, 64);
  if (hash !== 'scrypt' || !bytes) return undefined;
  const { cost, block_size: r, parallelization: p } = scrypt;
  return `$scrypt$ln=${Math.log2(cost)},r=${r},p=${p}$${salt}$${bytes.toString('base64')}`;
}

/** Exporters show it with the prefix or without. */
function readLocator(fields: RowFields, rule: SlowRule): string | undefined {
  const { prefix = '', locator } = rule;
  const shown = (fields.text('locator') ?? fields.text('start'))?.replace(/[.…*]+$/, '');
  if (shown === undefined || shown === '') return undefined;
  const whole = shown.startsWith(prefix) ? shown : prefix + shown;
  return locatorOf(rule, locator === 'before_last_underscore' ? `${whole}_` : whole);
}
