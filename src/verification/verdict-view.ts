import { postureAt } from './judge.ts';
import type { VerdictCode } from './judge.ts';
import type { MirrorRecord } from './mirror-record.ts';
import type { Resolved } from './resolve-key.ts';

const NOTHING = {
  id: null,
  organization_id: null,
  owner: null,
  label: null,
  permission_set: null,
  scopes: [],
  expires_at: null,
};

/** What is told of a key: the same in every verdict until the key changes. */
export function viewOfKey(record: MirrorRecord) {
  return {
    id: record.keyId,
    organization_id: record.organizationId,
    owner: { type: 'organization' as const, id: record.organizationId },
    label: record.label,
    permission_set: record.permissionSet ?? null,
    scopes: [...record.scopes],
    expires_at: record.expiresAtMs === undefined ? null : new Date(record.expiresAtMs).toISOString(),
  };
}

export function viewOfVerdict(code: VerdictCode, resolved: Resolved | undefined, now: Date) {
  return {
    valid: code === 'valid',
    code,
    ...(resolved ? viewOfKey(resolved.record) : NOTHING),
    billing: resolved ? { posture: postureAt(resolved.record, now) } : null,
    checked_at: now.toISOString(),
    source: resolved?.source ?? null,
    stale_ms: resolved?.staleMs ?? 0,
  };
}
