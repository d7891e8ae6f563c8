import { mayCreate, postureOf } from '../billing/posture.ts';
import type { Posture } from '../billing/posture.ts';
import type { MirrorRecord } from './mirror-record.ts';

export const OPERATIONS = ['read', 'create', 'wind_down'] as const;
/** What the key is to be used for, as billing sees it. */
export type Operation = (typeof OPERATIONS)[number];

export const VERDICTS = ['valid', 'not_found', 'revoked', 'expired', 'insufficient_scope', 'billing_inactive'] as const;
export type VerdictCode = (typeof VERDICTS)[number];

export type Use = { scopes: readonly string[]; operation: Operation };

/** Whether a key is good for a use at `now`: every scope asked for, and a posture that allows the operation. */
export function judge(record: MirrorRecord | undefined, use: Use, now: Date): VerdictCode {
  if (!record) return 'not_found';
  if (isRevoked(record)) return 'revoked';
  if (isExpired(record, now)) return 'expired';
  if (!use.scopes.every((scope) => record.scopes.has(scope))) return 'insufficient_scope';
  if (use.operation === 'create' && !mayCreate(postureAt(record, now))) return 'billing_inactive';
  return 'valid';
}

/** Revoked itself, or of an organization that WorkOS has deleted, whose keys are revoked one after the other. */
export function isRevoked({ revoked, tenant }: MirrorRecord): boolean {
  return revoked || tenant.deletedAt !== undefined;
}

export function isExpired({ expiresAtMs }: MirrorRecord, now: Date): boolean {
  return expiresAtMs !== undefined && expiresAtMs <= now.getTime();
}

export function postureAt({ tenant }: MirrorRecord, now: Date): Posture {
  return postureOf(tenant, now);
}
