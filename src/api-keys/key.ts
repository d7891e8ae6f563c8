import type { Actor } from '../audit/audit-event.ts';
import type { RateLimit } from '../limits/limits.ts';

export const ENVIRONMENTS = ['live', 'test'] as const;
export type Environment = (typeof ENVIRONMENTS)[number];

/** A key as the mirror has it, once WorkOS has issued it. */
export type Key = {
  /** WorkOS's id, the only one that clients see. */
  id: string;
  organizationId: string;
  /** The WorkOS environment that it is of. */
  environment: Environment;
  /** Whose key it is, if a person's; else the organization's. */
  ownerUserId: string | undefined;
  /** Our own row's id, in the marker of the key's name at WorkOS. */
  rowId: string;
  /** Who made it: Latchkey, or somebody at WorkOS directly. */
  origin: 'latchkey' | 'workos';
  label: string;
  description: string | undefined;
  metadata: Readonly<Record<string, string>>;
  /** Absent for a key made at WorkOS whose scopes are those of no set. */
  permissionSet: string | undefined;
  scopes: readonly string[];
  /** WorkOS's obfuscated form of the secret. */
  prefix: string;
  expiresAt: Date | undefined;
  /** The key's own limits; where absent, those of its template and its organization's plan count. */
  rateLimit: RateLimit | undefined;
  concurrency: number | undefined;
  /** Addresses and ranges from which it may be used; empty: from everywhere. */
  ipAllowList: readonly string[];
  rotatedFrom: string | undefined;
  rotatedTo: string | undefined;
  createdBy: Actor;
  createdAt: Date;
  updatedAt: Date;
  revokedAt: Date | undefined;
  workosDeletedAt: Date | undefined;
};

/** What somebody decides when a key is made; the rest follows. */
export type KeyTemplate = Pick<
  Key,
  | 'environment'
  | 'ownerUserId'
  | 'label'
  | 'description'
  | 'metadata'
  | 'permissionSet'
  | 'scopes'
  | 'expiresAt'
  | 'rateLimit'
  | 'concurrency'
  | 'ipAllowList'
  | 'rotatedFrom'
>;

export const KEY_STATUSES = ['active', 'expired', 'revoked'] as const;
export type KeyStatus = (typeof KEY_STATUSES)[number];

/** Expiry is judged by the clock, without a job having to run. */
export function statusOf(key: Pick<Key, 'revokedAt' | 'expiresAt'>, now: Date): KeyStatus {
  if (key.revokedAt) return 'revoked';
  return key.expiresAt && key.expiresAt <= now ? 'expired' : 'active';
}

/** A secret's hash as the mirror keeps it, and the name of the key that made it. */
export type KeptHash = { secretHash: Buffer; hashKey: string };
