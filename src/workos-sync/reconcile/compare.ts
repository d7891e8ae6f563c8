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

/** What may be done about a difference; `none` is for people to decide. */
export type Mend = 'mirror' | 'expiry' | 'narrow' | 'settle' | 'revoke' | 'none';

export type Drift = {
  kind: DriftKind;
  organizationId: string;
  /** WorkOS's id; for a row that never became a key, the row's. */
  keyId: string;
  rowId: string | undefined;
  here: string;
  there: string;
  mend: Mend;
};

type Compared = {
  key: WorkosKey;
  row: MirroredKey | undefined;
  scopesOf: (permissions: readonly string[]) => string[];
  now: Date;
};

/** How a key at WorkOS differs from its row, or from the row that its name proves to belong to. */
export function compare({ key, row, scopesOf, now }: Compared): Drift[] {
  const at = { organizationId: key.organizationId, keyId: key.id, rowId: row?.rowId, there: describe(key) };
  if (!row) return [{ ...at, kind: 'only_there', here: 'absent', mend: 'mirror' }];
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
    // Its maker decides, while there is time.
    const isLate = row.dueAt !== undefined && row.dueAt <= now;
    return isLate ? [{ ...at, kind: 'unsettled', here: row.status, mend: 'settle' }] : [];
  }
  const here = row.status === 'failed' ? 'given up' : 'the name is that of another key';
  return [{ ...at, kind: 'only_there', here, mend: row.status === 'failed' ? 'settle' : 'none' }];
}

function compareRevoked(row: MirroredKey, at: At): Drift[] {
  if (!row.workosDeletedAt) return [{ ...at, kind: 'unsettled', here: 'revoked', mend: 'settle' }];
  // WorkOS said once that it was gone: it is not for us to end what is there now.
  return [{ ...at, kind: 'only_there', here: 'revoked', mend: 'none' }];
}

type Difference = Pick<Drift, 'kind' | 'here' | 'there' | 'mend'>;

function compareExpiry({ expiresAt: theirs }: WorkosKey, row: MirroredKey, now: Date): Difference[] {
  const [hereMs, thereMs] = [endOf(row.expiresAt), endOf(theirs)];
  const ended = hereMs <= now.getTime() && thereMs <= now.getTime();
  if (hereMs === thereMs || ended) return [];
  const ends = { here: shown(row.expiresAt), there: shown(theirs) };
  return row.dueAt
    ? [{ ...ends, kind: 'unsettled', mend: 'settle' }]
    : [{ ...ends, kind: 'different_expiry', mend: 'expiry' }];
}

function comparePermissions(theirs: readonly string[], { scopes: ours }: MirroredKey): Difference[] {
  const narrower = ours.some((scope) => !theirs.includes(scope));
  const wider = theirs.some((scope) => !ours.includes(scope));
  if (!narrower && !wider) return [];
  const scopes = { here: list(ours), there: list(theirs) };
  return [{ ...scopes, kind: 'different_permissions', mend: narrower ? 'narrow' : 'none' }];
}

/** A key that WorkOS should have and does not. */
export function onlyHere(organizationId: string, row: MirroredKey): Drift {
  const at = { organizationId, keyId: row.workosId ?? row.rowId, rowId: row.rowId };
  return { ...at, kind: 'only_here', here: row.label, there: 'absent', mend: 'revoke' };
}

/** A row that waits for somebody, and of which WorkOS has nothing to show. */
export function unsettled(organizationId: string, row: MirroredKey): Drift {
  const at = { organizationId, keyId: row.workosId ?? row.rowId, rowId: row.rowId };
  return { ...at, kind: 'unsettled', here: row.status, there: 'unknown', mend: 'settle' };
}

function describe({ name, permissions }: WorkosKey): string {
  return `${name.slice(0, 100)} (${list(permissions)})`;
}

function list(scopes: readonly string[]): string {
  return scopes.toSorted().join(' ') || 'no permissions';
}

function shown(end: Date | undefined): string {
  return end?.toISOString() ?? 'never ends';
}

function endOf(end: Date | undefined): number {
  return end?.getTime() ?? Infinity;
}
