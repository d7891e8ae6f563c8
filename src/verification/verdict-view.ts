import type { Taken } from '../limits/limiter.ts';
import type { Billing, Decision } from './decide.ts';
import { viewOwner } from '../api-keys/key-schemas.ts';
import type { MirrorRecord } from './mirror-record.ts';

const NOTHING = {
  id: null,
  organization_id: null,
  environment: null,
  owner: null,
  label: null,
  permission_set: null,
  scopes: [],
  expires_at: null,
  ip_restricted: false,
};
const NO_LIMITS = { rate_limit: null, lease: null, retry_after: null, enforcement: null };

/** Returns the part of a verdict that stays the same until the key changes. */
export function viewOfKey(record: MirrorRecord) {
  return {
    id: record.keyId,
    organization_id: record.organizationId,
    environment: record.environment,
    owner: viewOwner(record),
    label: record.label,
    permission_set: record.permissionSet ?? null,
    scopes: [...record.scopes],
    expires_at: record.expiresAtMs === undefined ? null : new Date(record.expiresAtMs).toISOString(),
    ip_restricted: record.ipAllowList.length > 0 || record.organizationIpAllowList.length > 0,
  };
}

/** Returns the part of a verdict about limits. */
export function viewOfLimits(taken: Taken | undefined) {
  if (!taken) return NO_LIMITS;
  const { rate, lease, retryAfterSeconds, enforcement } = taken;
  return {
    rate_limit: rate
      ? {
          limit: rate.limit,
          window_seconds: rate.windowSeconds,
          remaining: rate.remaining,
          reset: rate.resetSeconds,
          scope: rate.scope,
        }
      : null,
    lease: lease ? { id: lease.id, expires_at: lease.expiresAt.toISOString() } : null,
    retry_after: retryAfterSeconds ?? null,
    enforcement,
  };
}

export function viewOfBilling({ posture, allows, until }: Billing) {
  return { posture, allows: [...allows], changes_at: until?.toISOString() ?? null };
}

export function viewOfVerdict({ code, resolved, taken, retryAfterSeconds, billing, at }: Decision) {
  return {
    valid: code === 'valid',
    code,
    ...(resolved ? viewOfKey(resolved.record) : NOTHING),
    ...viewOfLimits(taken),
    ...(retryAfterSeconds !== undefined && { retry_after: retryAfterSeconds }),
    billing: billing ? viewOfBilling(billing) : null,
    checked_at: at.toISOString(),
    source: resolved?.source ?? null,
    stale_ms: resolved?.staleMs ?? 0,
    stale: resolved?.stale ?? false,
  };
}
