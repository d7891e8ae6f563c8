import type { AuditEvent, AuditSource } from '../audit/audit-event.ts';
import { namesIn, recordedSettings } from './key-settings.ts';
import { viewOwner } from './key-schemas.ts';
import type { Key, KeySettings } from './key.ts';

/** Returns the audit event of a change to a key. */
export function keyEvent(
  organizationId: string,
  id: string,
  action: AuditEvent['action'],
  source: AuditSource,
  details: AuditEvent['details'],
): AuditEvent {
  return { ...source, organizationId, action, target: { kind: 'api_key', id }, details };
}

/** Returns the details of `api_key.created`. Settings that were not set are left out. */
export function describeNewKey(key: Key): AuditEvent['details'] {
  const settings = Object.entries(recordedSettings(key, key)).filter(([, value]) => !isUnset(value));
  return {
    label: key.label,
    permission_set: key.permissionSet ?? null,
    scopes: [...key.scopes],
    expires_at: isoOf(key),
    ...(key.environment === 'test' && { environment: key.environment }),
    ...(key.ownerUserId !== undefined && { owner: viewOwner(key) }),
    ...Object.fromEntries(settings),
    ...(key.rotatedFrom !== undefined && { rotated_from: key.rotatedFrom }),
  };
}

/** Returns the details of `api_key.updated`. `before`: given when the expiry changed, too. */
export function describeChange(
  change: Partial<KeySettings>,
  after: Key,
  before: Key | undefined,
): AuditEvent['details'] {
  return {
    changed: [...namesIn(change), ...(before ? ['expires_at'] : [])],
    ...recordedSettings(after, change),
    ...(before && { expires_at: { before: isoOf(before), after: isoOf(after) } }),
  };
}

function isUnset(value: unknown): boolean {
  return value === null || (Array.isArray(value) && value.length === 0);
}

function isoOf({ expiresAt }: Pick<Key, 'expiresAt'>): string | null {
  return expiresAt?.toISOString() ?? null;
}
