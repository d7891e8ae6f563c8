import type { Actor } from '../audit/audit-event.ts';
import type { RateLimit } from '../limits/limits.ts';

export const ENVIRONMENTS = ['live', 'test'] as const;
export type Environment = (typeof ENVIRONMENTS)[number];

export const KEY_ORIGINS = ['latchkey', 'workos', 'ci', 'imported'] as const;
export type KeyOrigin = (typeof KEY_ORIGINS)[number];

/** What an organization sets on a key and may change at any time. WorkOS stores none of it but the label. */
export type KeySettings = {
  label: string;
  description: string | undefined;
  metadata: Readonly<Record<string, string>>;
  /** The key's own limits; undefined: those of its permission set and its organization's plan. */
  rateLimit: RateLimit | undefined;
  concurrency: number | undefined;
  /** Addresses and ranges that the key may be used from; empty: from everywhere. */
  ipAllowList: readonly string[];
};

/** A key in the mirror, from the moment that WorkOS has issued it. */
export type Key = KeySettings & {
  /** WorkOS's id, the only one that clients see; of an imported key `imp_…`, which WorkOS does not know. */
  id: string;
  organizationId: string;
  /** The WorkOS environment that issued it. */
  environment: Environment;
  /** The person who owns it; undefined: the organization does. */
  ownerUserId: string | undefined;
  /** The id of the mirror's row, in the marker of the key's name at WorkOS. */
  rowId: string;
  /** Whether the key was created through Latchkey, at WorkOS directly, by a CI job, or in another system. */
  origin: KeyOrigin;
  /** Undefined for chosen scopes, and for a key from WorkOS whose scopes are those of no set. */
  permissionSet: string | undefined;
  scopes: readonly string[];
  /** The obfuscated form of the secret. */
  prefix: string;
  expiresAt: Date | undefined;
  rotatedFrom: string | undefined;
  rotatedTo: string | undefined;
  createdBy: Actor;
  createdAt: Date;
  updatedAt: Date;
  revokedAt: Date | undefined;
  /** Undefined: it is not suspended. WorkOS does not know of it. */
  suspension: Suspension | undefined;
  /** When a scanner first reported that the key is published. */
  leakedAt: Date | undefined;
  workosDeletedAt: Date | undefined;
};

/** When, by whom and why a key was suspended. */
export type Suspension = { at: Date; by: Actor; reason: string | undefined };

/** What a request for a new key decides; the rest follows. */
export type KeyTemplate = KeySettings &
  Pick<Key, 'environment' | 'ownerUserId' | 'permissionSet' | 'scopes' | 'expiresAt' | 'rotatedFrom'>;

/** The settings of a key on which nothing but its label was set. */
export const UNSET: Omit<KeySettings, 'label'> = {
  description: undefined,
  metadata: {},
  rateLimit: undefined,
  concurrency: undefined,
  ipAllowList: [],
};

/** Leaves out of a key what is no setting. */
export function settingsOf(key: KeySettings): KeySettings {
  const { label, description, metadata, rateLimit, concurrency, ipAllowList } = key;
  return { label, description, metadata, rateLimit, concurrency, ipAllowList };
}

export const KEY_STATUSES = ['active', 'suspended', 'expired', 'revoked'] as const;
export type KeyStatus = (typeof KEY_STATUSES)[number];

/** Judges expiry by the clock: no job has to run for a key to expire. A suspended key expires as any other. */
export function statusOf(key: Pick<Key, 'revokedAt' | 'expiresAt' | 'suspension'>, now: Date): KeyStatus {
  if (key.revokedAt) return 'revoked';
  if (key.expiresAt && key.expiresAt <= now) return 'expired';
  return key.suspension ? 'suspended' : 'active';
}

/** A secret's HMAC as the mirror stores it, and the id of the HMAC key that made it. */
export type KeptHash = { secretHash: Buffer; hmacKeyId: string };
