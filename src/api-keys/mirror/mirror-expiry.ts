import type { WorkosKey } from '../../workos/entities.ts';
import type { KeyRow } from '../rows/key-row.ts';

type Known = Pick<
  KeyRow,
  'status' | 'expires_at' | 'rotated_to' | 'due_at' | 'workos_expires_at' | 'workos_updated_at'
>;
export type ExpiryChange = Partial<Pick<KeyRow, 'expires_at' | 'due_at'>> &
  Pick<KeyRow, 'workos_expires_at' | 'workos_updated_at'>;

/**
 * What a row makes of the end that WorkOS knows for its key; undefined when that is old news. The newest counts; of two
 * from the same millisecond the one that ends earlier, so that their order does not matter. What WorkOS lists counts
 * unless the row knows of something newer.
 */
export function changeOfExpiry(
  row: Known,
  key: WorkosKey,
  now: Date,
  heard: 'told' | 'listed' = 'told',
): ExpiryChange | undefined {
  const theirs = key.expiresAt ?? null;
  const sameTime = row.workos_updated_at?.getTime() === key.updatedAt.getTime();
  if (!isNews(row, key) && !(heard === 'listed' && sameTime)) return undefined;
  const known = { workos_expires_at: theirs, workos_updated_at: key.updatedAt };
  const oursWaits = row.status === 'active' && row.due_at !== null;
  if (oursWaits || expiryMs(theirs) === expiryMs(row.expires_at)) return known;
  if (row.rotated_to === null || expiryMs(theirs) < expiryMs(row.expires_at)) return { ...known, expires_at: theirs };
  // A replaced key ended by our decision: WorkOS may end it earlier, not later, and is told again while it still lives.
  return row.status === 'active' && expiryMs(theirs) > now.getTime() ? { ...known, due_at: now } : known;
}

function isNews(row: Known, { updatedAt, expiresAt }: WorkosKey): boolean {
  if (!row.workos_updated_at || updatedAt > row.workos_updated_at) return true;
  const sameTime = updatedAt.getTime() === row.workos_updated_at.getTime();
  return sameTime && expiryMs(expiresAt ?? null) < expiryMs(row.workos_expires_at);
}

/** Milliseconds; never is after every time. */
export function expiryMs(expiresAt: Date | null | undefined): number {
  return expiresAt?.getTime() ?? Infinity;
}
