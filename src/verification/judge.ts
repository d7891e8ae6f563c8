import { isAddressAllowed } from '../ip/ip-match.ts';
import type { Operation, Policy } from '../tenants/posture.ts';
import type { Environment } from '../api-keys/key.ts';
import type { MirrorRecord } from './mirror-record.ts';

export const VERDICTS = [
  'valid',
  'not_found',
  'revoked',
  'expired',
  'suspended',
  'environment_mismatch',
  'insufficient_scope',
  'ip_not_allowed',
  'billing_inactive',
  'rate_limited',
  'concurrency_limited',
  'workos_unavailable',
] as const;
export type VerdictCode = (typeof VERDICTS)[number];

/** The environments that a use accepts; `live` by default, so that a test key opens nothing. */
export const WANTED_ENVIRONMENTS = ['live', 'test', 'any'] as const;
export type WantedEnvironment = (typeof WANTED_ENVIRONMENTS)[number];

/** What a key is to be used for, and the address that it is used from. */
export type Use = {
  environment: WantedEnvironment;
  scopes: readonly string[];
  operation: Operation;
  ip: string | undefined;
};

export type Judge = ReturnType<typeof makeJudge>;

/**
 * Judges a key without its limits: it is active and not suspended, of an accepted environment, used from an allowed address, has every
 * required scope, and its organization's posture allows the operation.
 */
export function makeJudge(policy: Pick<Policy, 'standingOf' | 'allows'>) {
  return (record: MirrorRecord | undefined, use: Use, now: Date): VerdictCode => judge(policy, record, use, now);
}

function judge(
  policy: Pick<Policy, 'standingOf' | 'allows'>,
  record: MirrorRecord | undefined,
  use: Use,
  now: Date,
): VerdictCode {
  if (!record) return 'not_found';
  if (isRevoked(record)) return 'revoked';
  if (isExpired(record, now)) return 'expired';
  if (record.suspended) return 'suspended';
  if (!isOf(record, use.environment)) return 'environment_mismatch';
  if (!isFromAllowed(record, use.ip)) return 'ip_not_allowed';
  if (!use.scopes.every((scope) => record.scopes.has(scope))) return 'insufficient_scope';
  const { posture } = policy.standingOf(record.account, now);
  if (!policy.allows(posture, 'keys', use.operation)) return 'billing_inactive';
  return 'valid';
}

/** Whether a key is revoked, or of an organization that WorkOS has deleted. */
export function isRevoked({ revoked, account }: MirrorRecord): boolean {
  return revoked || account.deletedAt !== undefined;
}

export function isOf({ environment }: { environment: Environment }, wanted: WantedEnvironment): boolean {
  return wanted === 'any' || environment === wanted;
}

/** Refuses an unknown address where any allow list is set. */
export function isFromAllowed(record: MirrorRecord, ip: string | undefined): boolean {
  return isAddressAllowed(record.ipAllowList, ip) && isAddressAllowed(record.organizationIpAllowList, ip);
}

export function isExpired({ expiresAtMs }: MirrorRecord, now: Date): boolean {
  return expiresAtMs !== undefined && expiresAtMs <= now.getTime();
}
