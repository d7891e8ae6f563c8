import type { WorkosKey } from '../../workos/entities.ts';
import type { KeyRow } from '../rows/key-row.ts';

type Known = Pick<
  KeyRow,
  'status' | 'expires_at' | 'rotated_to' | 'due_at' | 'workos_expires_at' | 'workos_updated_at'
>;
export type ExpiryChange = Partial<Pick<KeyRow, 'expires_at' | 'due_at'>> &
  Pick<KeyRow, 'workos_expires_at' | 'workos_updated_at'>;

/**
 * Returns what an expiry from WorkOS changes in a row; undefined when the row has a newer one. Of two from the same
 * millisecond the earlier expiry counts, so that their order does not matter. A `listing` counts unless the row has
 * something newer; an `event` must be newer itself.
 */
export function changeOfExpiry(
  row: Known,
  key: WorkosKey,
  now: Date,
  source: 'event' | 'listing' = 'event',
): ExpiryChange | undefined {
  const theirs = key.expiresAt ?? null;
  const sameTime = row.workos_updated_at?.getTime() === key.updatedAt.getTime();
  if (!isNewer(row, key) && !(source === 'listing' && sameTime)) return undefined;
  const known = { workos_expires_at: theirs, workos_updated_at: key.updatedAt };
  const isChangePending = row.status === 'active' && row.due_at !== null;
  if (isChangePending || expiryMs(theirs) === expiryMs(row.expires_at)) return known;
  if (row.rotated_to === null || expiryMs(theirs) < expiryMs(row.expires_at)) return { ...known, expires_at: theirs };
  // The rotation set a replaced key's expiry: WorkOS can move it earlier, not later, and is corrected while it works.
  return row.status === 'active' && expiryMs(theirs) > now.getTime() ? { ...known, due_at: now } : known;
}

function isNewer(row: Known, { updatedAt, expiresAt }: WorkosKey): boolean {
  if (!row.workos_updated_at || updatedAt > row.workos_updated_at) return true;
  const sameTime = updatedAt.getTime() === row.workos_updated_at.getTime();
  return sameTime && expiryMs(expiresAt ?? null) < expiryMs(row.workos_expires_at);
}

/** Returns milliseconds; `Infinity` for never. */
export function expiryMs(expiresAt: Date | null | undefined): number {
  return expiresAt?.getTime() ?? Infinity;
}
