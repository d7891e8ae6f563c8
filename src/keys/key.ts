import type { Actor } from '../audit/audit-log.ts';

/** A key as the mirror has it, once WorkOS has issued it. */
export type Key = {
  /** WorkOS's id, the only one that clients see. */
  id: string;
  organizationId: string;
  /** Our own row's id, in the marker of the key's name at WorkOS. */
  rowId: string;
  revokedAt: Date | undefined;
  workosDeletedAt: Date | undefined;
  label: string;
  description: string | undefined;
  metadata: Readonly<Record<string, string>>;
  permissionSet: string;
  scopes: readonly string[];
  /** WorkOS's obfuscated form of the secret. */
  prefix: string;
  expiresAt: Date | undefined;
  createdBy: Actor;
  createdAt: Date;
  updatedAt: Date;
};

export const KEY_STATUSES = ['active', 'expired', 'revoked'] as const;
export type KeyStatus = (typeof KEY_STATUSES)[number];

/** Expiry is judged by the clock, without a job having to run. */
export function statusOf(key: Pick<Key, 'revokedAt' | 'expiresAt'>, now: Date): KeyStatus {
  if (key.revokedAt) return 'revoked';
  return key.expiresAt && key.expiresAt <= now ? 'expired' : 'active';
}

// WorkOS's ids are short words; anything else is the id of nothing and never reaches the database.
const KEY_ID = /^\w{1,64}$/;

export function isKeyId(id: string): boolean {
  return KEY_ID.test(id);
}
