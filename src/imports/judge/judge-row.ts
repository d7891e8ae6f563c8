import { hash as digest } from 'node:crypto';
import { CHARACTERS, HASH_BYTES } from '../../api-keys/format/imported-form.ts';
import { IMPORTED_ID_PREFIX, ORGANIZATION_ID, USER_ID } from '../../ids.ts';
import { isSlow } from '../../product/imports/import-rules.ts';
import type { FastHash, ImportRule } from '../../product/imports/import-rules.ts';
import type { ImportedKey } from '../../api-keys/rows/imported-keys.ts';
import type { Category, Judged } from '../category.ts';
import type { Mapping } from '../mapping.ts';
import type { SourceRow } from '../sources/source-row.ts';
import { makeMapScopes, readScopes } from './map-scopes.ts';
import { UnreadableField, makeRowFields } from './read-fields.ts';
import type { RowFields } from './read-fields.ts';
import { readHash } from './read-hash.ts';
import { readSaltedHash } from './read-salted-hash.ts';

type Rules = Parameters<typeof makeMapScopes>[0] & {
  /** A text without control characters, as short as a label may be. */
  label: (text: string) => string;
};
type Deps = { rule: ImportRule; mapping: Mapping; rules: Rules; now: Date };

export type JudgeRow = (row: SourceRow) => Judged;

const ID_DIGITS = 32;
const MAX_SOURCE_ID = 500;
const MAX_SHOWN = 16;
const MAX_RATE = 10_000_000;
const DAY_SECONDS = 86_400;
/** Hashes that name their scheme: bcrypt, argon2, scrypt, crypt and PBKDF2. */
const SLOW = /^(?:\$|(?:pbkdf2|scrypt|argon2|bcrypt)[^$:]*[$:])/i;

/** A row that becomes no key, with the reason. */
class Refused extends Error {
  readonly category: Category;

  constructor(category: Category, reason: string) {
    super(reason);
    this.category = category;
  }
}

/** The id of the key of a row: the same one each time, so that a row becomes one key however often it is read. */
export function importedKeyId(importName: string, sourceId: string): string {
  return IMPORTED_ID_PREFIX + digest('sha256', `${importName}\0${sourceId}`, 'hex').slice(0, ID_DIGITS);
}

/** Judges rows by themselves, without the database: each becomes a key, or has a category that says why not. */
export function makeJudgeRow({ rule, mapping, rules, now }: Deps): JudgeRow {
  const mapScopes = makeMapScopes(rules, mapping);
  const organizationOf = makeOrganizationOf(mapping);
  const userOf = makeUserOf(mapping, rule);
  const until = rule.until === undefined ? undefined : new Date(rule.until);

  function keyOf(fields: RowFields, keyId: string): ImportedKey {
    assertUsable(fields, now);
    const start = fields.text('start');
    if (start !== undefined) assertBegins(start, rule);
    const proof = hashOf(fields, rule, mapping);
    const organizationId = organizationOf(fields.text('organization'));
    const ownerUserId = userOf(fields.text('user'));
    const old = readScopes(fields.value('scopes'));
    if (!old) throw new UnreadableField('the scopes must be a list of texts');
    const mapped = mapScopes(old);
    if ('category' in mapped) throw new Refused(mapped.category, mapped.reason);
    return {
      keyId,
      organizationId,
      ownerUserId,
      ...proof,
      label: rules.label(fields.text('label') ?? ''),
      shown: shownOf(start, rule),
      ...mapped,
      rateLimit: rateLimitOf(fields),
      expiresAt: earlier(fields.time('expires_at'), until),
      createdAt: pastOf(fields.time('created_at'), now),
    };
  }

  return (row) => {
    const at = { line: row.line, owner: '', sourceId: undefined, keyId: undefined, key: undefined };
    if ('fault' in row) return { ...at, category: 'malformed', reason: row.fault };
    const fields = makeRowFields(row.value, mapping.fields);
    const sourceId = sourceIdOf(fields);
    if (sourceId === undefined)
      return { ...at, category: 'malformed', reason: 'it has no id of at most 500 characters' };
    const known = { ...at, owner: ownerOf(fields), sourceId, keyId: importedKeyId(rule.name, sourceId) };
    try {
      return { ...known, category: 'ready', reason: undefined, key: keyOf(fields, known.keyId) };
    } catch (error) {
      if (error instanceof Refused) return { ...known, category: error.category, reason: error.message };
      if (error instanceof UnreadableField) return { ...known, category: 'malformed', reason: error.message };
      throw error;
    }
  };
}

/** @throws Refused */
function hashOf(fields: RowFields, rule: ImportRule, mapping: Mapping): Pick<ImportedKey, 'hash' | 'salted'> {
  if (isSlow(rule)) {
    const read = readSaltedHash(fields, rule, mapping);
    if ('category' in read) throw new Refused(read.category, read.reason);
    return read;
  }
  const written = fields.text('hash') ?? '';
  if (SLOW.test(written))
    throw new Refused('unsupported', 'its hash has a salt: only an import with a locator has such keys');
  // A rule without a locator has a fast hash.
  const bytes = HASH_BYTES[rule.hash as FastHash];
  const hash = readHash(written, bytes);
  if (!hash) throw new Refused('hash_malformed', `a hash of ${rule.hash} has ${bytes} bytes`);
  return { hash, salted: undefined };
}

function ownerOf(fields: RowFields): string {
  const owner = fields.value('organization');
  return typeof owner === 'string' ? owner.slice(0, MAX_SOURCE_ID) : '';
}

function sourceIdOf(fields: RowFields): string | undefined {
  const id = fields.value('id');
  if (typeof id !== 'string' && typeof id !== 'number') return undefined;
  return String(id).length <= MAX_SOURCE_ID ? String(id) : undefined;
}

/** @throws Refused */
function assertUsable(fields: RowFields, now: Date): void {
  if (fields.flag('enabled') === false || fields.isSet('disabled'))
    throw new Refused('disabled', 'it is disabled or deleted');
  const expiresAt = fields.time('expires_at');
  if (expiresAt && expiresAt <= now) throw new Refused('expired', `it expired at ${expiresAt.toISOString()}`);
  if (fields.value('credits') !== undefined)
    throw new Refused('unsupported', 'it has credits or refills, which keys here do not have');
  if (fields.value('pending') !== undefined)
    throw new Refused('unsupported', 'its hash is that of a system before, which needs an import of its own');
}

/**
 * Finds keys of another form than the import has: no credential that is presented would ever be looked up by their hash.
 * @param start how the key begins, prefix included
 * @throws Refused
 */
function assertBegins(start: string, { prefix = '', characters }: ImportRule): void {
  const shown = start.replace(/[.…*]+$/, '');
  const fits = prefix.startsWith(shown) || shown.startsWith(prefix);
  if (!fits || !CHARACTERS[characters].test(shown.slice(prefix.length)))
    throw new Refused('unsupported', `it begins with ${shown.slice(0, MAX_SHOWN)}, as no key of the import does`);
}

/** @returns what finds the organization, and throws Refused */
function makeOrganizationOf({ organizations }: Mapping): (owner: string | undefined) => string {
  return (owner) => {
    if (owner === undefined) throw new Refused('unknown_organization', 'it has no owner');
    const mapped = organizations && Object.hasOwn(organizations, owner) ? organizations[owner] : undefined;
    const id = organizations ? mapped : owner;
    if (id === undefined) throw new Refused('unknown_organization', `the mapping does not name ${owner.slice(0, 100)}`);
    if (!ORGANIZATION_ID.test(id))
      throw new Refused('unknown_organization', `${id.slice(0, 100)} is not the id of a WorkOS organization`);
    return id;
  };
}

/** @returns what finds the user who owns a personal key, and throws Refused */
function makeUserOf({ users }: Mapping, { environment }: ImportRule): (user: string | undefined) => string | undefined {
  return (user) => {
    if (user === undefined) return undefined;
    // The people of WorkOS's test environment are others.
    if (environment === 'test') throw new Refused('unsupported', 'it is of a user, and a test key cannot be personal');
    const mapped = users && Object.hasOwn(users, user) ? users[user] : undefined;
    const id = users ? mapped : user;
    if (id === undefined) throw new Refused('unknown_user', `the mapping does not name ${user.slice(0, 100)}`);
    if (!USER_ID.test(id)) throw new Refused('unknown_user', `${id.slice(0, 100)} is not the id of a WorkOS user`);
    return id;
  };
}

function shownOf(start: string | undefined, { prefix = '' }: ImportRule): string {
  const visible = start?.replaceAll(/[^\x21-\x7e]/g, '').slice(0, MAX_SHOWN);
  return `${visible || prefix}...`;
}

function rateLimitOf(fields: RowFields): ImportedKey['rateLimit'] {
  const [limit, windowMs] = [fields.count('rate_limit'), fields.count('rate_window_ms')];
  if (fields.flag('rate_limited') === false || limit === undefined || windowMs === undefined) return undefined;
  const windowSeconds = Math.ceil(windowMs / 1_000);
  if (limit < 1 || limit > MAX_RATE || windowSeconds < 1 || windowSeconds > DAY_SECONDS)
    throw new Refused('unsupported', 'its rate limit is out of bounds: windows here have a day at most');
  return { limit, windowSeconds };
}

function earlier(a: Date | undefined, b: Date | undefined): Date | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a < b ? a : b;
}

function pastOf(at: Date | undefined, now: Date): Date {
  return at && at < now ? at : now;
}
