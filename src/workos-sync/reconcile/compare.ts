import type { MirroredKey } from '../../api-keys/mirror/mirrored-keys.ts';
import type { WorkosKey } from '../../workos/entities.ts';

export const DRIFT_KINDS = [
  'only_here',
  'only_there',
  'different_expiry',
  'different_permissions',
  'unsettled',
] as const;
export type DriftKind = (typeof DRIFT_KINDS)[number];

/** How a difference may be repaired; `none` leaves the decision to people. */
export type Repair = 'mirror' | 'expiry' | 'narrow' | 'settle' | 'revoke' | 'none';

export type Drift = {
  kind: DriftKind;
  organizationId: string;
  /** WorkOS's id of the key; the row's id when it never became a key. */
  keyId: string;
  rowId: string | undefined;
  here: string;
  there: string;
  repair: Repair;
};

type Compared = {
  key: WorkosKey;
  row: MirroredKey | undefined;
  scopesOf: (permissions: readonly string[]) => string[];
  now: Date;
};

/** Returns the differences between a key at WorkOS and its row, or the row that its marker names. */
export function compare({ key, row, scopesOf, now }: Compared): Drift[] {
  const at = { organizationId: key.organizationId, keyId: key.id, rowId: row?.rowId, there: describe(key) };
  if (!row) return [{ ...at, kind: 'only_there', here: 'absent', repair: 'mirror' }];
  if (row.workosId !== key.id) return compareMarked(row, at, now);
  if (row.status === 'revoked') return compareRevoked(row, at);
  return [...compareExpiry(key, row, now), ...comparePermissions(scopesOf(key.permissions), row)].map((drift) => ({
    ...at,
    ...drift,
  }));
}

type At = Pick<Drift, 'organizationId' | 'keyId' | 'rowId' | 'there'>;

function compareMarked(row: MirroredKey, at: At, now: Date): Drift[] {
  if (row.status === 'provisioning') {
    // Until it is due, its creator decides.
    const isLate = row.dueAt !== undefined && row.dueAt <= now;
    return isLate ? [{ ...at, kind: 'unsettled', here: row.status, repair: 'settle' }] : [];
  }
  const here = row.status === 'failed' ? 'given up' : 'the marker is of another key';
  return [{ ...at, kind: 'only_there', here, repair: row.status === 'failed' ? 'settle' : 'none' }];
}

function compareRevoked(row: MirroredKey, at: At): Drift[] {
  if (!row.workosDeletedAt) return [{ ...at, kind: 'unsettled', here: 'revoked', repair: 'settle' }];
  // WorkOS confirmed the deletion once, so the key was made again since: people decide.
  return [{ ...at, kind: 'only_there', here: 'revoked', repair: 'none' }];
}

type Difference = Pick<Drift, 'kind' | 'here' | 'there' | 'repair'>;

function compareExpiry({ expiresAt: theirs }: WorkosKey, row: MirroredKey, now: Date): Difference[] {
  const [hereMs, thereMs] = [expiryMs(row.expiresAt), expiryMs(theirs)];
  const haveExpired = hereMs <= now.getTime() && thereMs <= now.getTime();
  if (hereMs === thereMs || haveExpired) return [];
  const expiries = { here: shown(row.expiresAt), there: shown(theirs) };
  return row.dueAt
    ? [{ ...expiries, kind: 'unsettled', repair: 'settle' }]
    : [{ ...expiries, kind: 'different_expiry', repair: 'expiry' }];
}

function comparePermissions(theirs: readonly string[], { scopes: ours }: MirroredKey): Difference[] {
  const narrower = ours.some((scope) => !theirs.includes(scope));
  const wider = theirs.some((scope) => !ours.includes(scope));
  if (!narrower && !wider) return [];
  const scopes = { here: list(ours), there: list(theirs) };
  return [{ ...scopes, kind: 'different_permissions', repair: narrower ? 'narrow' : 'none' }];
}

/** Describes a key that WorkOS should have and does not. */
export function onlyHere(organizationId: string, row: MirroredKey): Drift {
  const at = { organizationId, keyId: row.workosId ?? row.rowId, rowId: row.rowId };
  return { ...at, kind: 'only_here', here: row.label, there: 'absent', repair: 'revoke' };
}

/** Describes a row that is due to be settled, and that WorkOS has no key for. */
export function unsettled(organizationId: string, row: MirroredKey): Drift {
  const at = { organizationId, keyId: row.workosId ?? row.rowId, rowId: row.rowId };
  return { ...at, kind: 'unsettled', here: row.status, there: 'unknown', repair: 'settle' };
}

function describe({ name, permissions }: WorkosKey): string {
  return `${name.slice(0, 100)} (${list(permissions)})`;
}

function list(scopes: readonly string[]): string {
  return scopes.toSorted().join(' ') || 'no permissions';
}

function shown(expiresAt: Date | undefined): string {
  return expiresAt?.toISOString() ?? 'never expires';
}

function expiryMs(expiresAt: Date | undefined): number {
  return expiresAt?.getTime() ?? Infinity;
}
