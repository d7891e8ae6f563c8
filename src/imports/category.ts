import type { ImportedKey } from '../api-keys/rows/imported-keys.ts';

/** What becomes of a row of the other system, and what that means. */
export const CATEGORIES = {
  ready: 'will be imported',
  already: 'was imported before',
  ended: 'was imported before and is revoked, as it is disabled now',
  duplicate: 'has the id of an earlier row',
  collision: 'has the hash of another key',
  malformed: 'cannot be read',
  hash_malformed: 'has no hash of the form that the import has',
  unknown_organization: 'has no organization that is known here',
  unknown_user: 'has a user who is not known here, or is no member of the organization',
  unmapped_scope: 'has scopes that the mapping does not name',
  unmet_requirement: 'has scopes that need what its organization does not have',
  never_granted: 'would get a scope that no key ever holds',
  expired: 'has expired',
  disabled: 'is disabled or deleted',
  unsupported: 'has something that keys here do not have, such as credits',
} as const;

export type Category = keyof typeof CATEGORIES;
export const CATEGORY_NAMES = Object.keys(CATEGORIES) as Category[];

/** Categories of rows that leave a key here. */
export const KEPT: ReadonlySet<Category> = new Set(['ready', 'already']);

/** A row with its category. `reason` never has a hash or a secret. */
export type Judged = {
  line: number;
  category: Category;
  /** What the row says of its owner; empty where it cannot be read. */
  owner: string;
  /** The other system's id; undefined where it cannot be read. */
  sourceId: string | undefined;
  /** The id that the row's key has here, or would have. */
  keyId: string | undefined;
  reason: string | undefined;
  /** Set for a row that may become a key. */
  key: ImportedKey | undefined;
};
