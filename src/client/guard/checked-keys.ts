import type { Environment, Operation, Posture, Verdict } from '../shapes.ts';
import { newTally } from './usage-report.ts';
import type { Tally } from './usage-report.ts';

/** The key of a request, as `req.apiKey` shows it. */
export type VerifiedKey = {
  readonly id: string;
  readonly organizationId: string;
  readonly label: string;
  readonly environment: Environment;
  /** Absent for a key made at WorkOS with scopes of its own. */
  readonly permissionSet: string | undefined;
  readonly scopes: readonly string[];
  /** What billing allows the key's organization. */
  readonly posture: Posture;
  /** True when Latchkey, or its database, could not be asked and this is what was known before. */
  readonly stale: boolean;
};

/** What is remembered of a key that Latchkey called good. */
export type CheckedKey = {
  view: VerifiedKey;
  scopes: ReadonlySet<string>;
  /** In milliseconds since 1970, by the steady clock. */
  expiresAtMs: number | undefined;
  /** What billing lets it be used for, until a moment by the same clock, if there is one. */
  allows: readonly Operation[];
  changesAtMs: number | undefined;
  /** On the monotonic clock. */
  checkedAt: number;
  /** Its use is bounded, so that Latchkey has to be asked about every request. */
  limited: boolean;
  /** It is good from some addresses only, which Latchkey alone knows. */
  addressBound: boolean;
  /** How often it was used without asking. */
  tally: Tally;
};

export type CheckedKeys = ReturnType<typeof makeCheckedKeys>;

/** Keys that Latchkey called good, by a hash of their secrets: so many at most, the ones used longest ago go first. */
export function makeCheckedKeys({ maxKeys }: { maxKeys: number }) {
  const entries = new Map<string, CheckedKey>();
  const byOrganization = new Map<string, Set<string>>();

  const remove = (hash: string) => {
    const entry = entries.get(hash);
    if (!entry) return;
    entries.delete(hash);
    const hashes = byOrganization.get(entry.view.organizationId);
    hashes?.delete(hash);
    if (hashes?.size === 0) byOrganization.delete(entry.view.organizationId);
  };

  return {
    get(hash: string): CheckedKey | undefined {
      const entry = entries.get(hash);
      if (entry && entries.size > 1) {
        // A Map remembers the order of insertion.
        entries.delete(hash);
        entries.set(hash, entry);
      }
      return entry;
    },

    set(hash: string, entry: CheckedKey): void {
      remove(hash);
      for (const oldest of entries.keys()) {
        if (entries.size < maxKeys) break;
        remove(oldest);
      }
      if (maxKeys < 1) return;
      entries.set(hash, entry);
      const { organizationId } = entry.view;
      byOrganization.set(organizationId, (byOrganization.get(organizationId) ?? new Set()).add(hash));
    },

    remove,

    invalidate(organizationId: string, keyId: string | undefined): void {
      for (const hash of byOrganization.get(organizationId) ?? []) {
        if (keyId === undefined || entries.get(hash)?.view.id === keyId) remove(hash);
      }
    },

    clear(): void {
      entries.clear();
      byOrganization.clear();
    },

    size: (): number => entries.size,
    names: (): string[] => [...entries.keys()],
  };
}

/** @returns undefined for a verdict that names no good key */
export function checkedKeyOf(verdict: Verdict, checkedAt: number): CheckedKey | undefined {
  const { valid, id, organization_id, label, permission_set, billing, expires_at } = verdict;
  if (!valid || id === null || organization_id === null) return undefined;
  return {
    view: Object.freeze({
      id,
      organizationId: organization_id,
      label: label ?? '',
      // A service that does not say has no other.
      environment: verdict.environment ?? 'live',
      permissionSet: permission_set ?? undefined,
      scopes: Object.freeze([...verdict.scopes]),
      posture: billing?.posture ?? 'unknown',
      stale: verdict.stale ?? false,
    }),
    scopes: new Set(verdict.scopes),
    expiresAtMs: expires_at === null ? undefined : Date.parse(expires_at),
    allows: billing?.allows ?? [],
    changesAtMs: billing?.changes_at ? Date.parse(billing.changes_at) : undefined,
    checkedAt,
    tally: newTally(id, organization_id),
    // A service older than this client limits nothing and does not speak of it.
    limited: (verdict.enforcement ?? null) !== null,
    addressBound: verdict.ip_restricted ?? false,
  };
}
