import type { Operation, Verdict } from '../shapes.ts';
import type { VerifiedKey } from './guard-shapes.ts';
import { newTally } from './usage-report.ts';
import type { Tally } from './usage-report.ts';

/** A cached valid key. */
export type CheckedKey = {
  view: VerifiedKey;
  scopes: ReadonlySet<string>;
  /** Milliseconds since 1970, by the steady clock. */
  expiresAtMs: number | undefined;
  /** The operations that billing allows until `changesAtMs`, by the same clock. */
  allows: readonly Operation[];
  changesAtMs: number | undefined;
  /** By the monotonic clock. */
  checkedAt: number;
  /** The key has limits, so every request calls Latchkey. */
  limited: boolean;
  /** The key is accepted from some addresses only, which only Latchkey knows. */
  addressBound: boolean;
  /** Uses that were decided from the cache. */
  tally: Tally;
};

export type CheckedKeys = ReturnType<typeof makeCheckedKeys>;

/** Creates a cache of at most `maxKeys` valid keys by the hash of their secrets; drops the least recently used first. */
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
        // A Map keeps the order of insertion: this moves the entry to the end.
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

/** @returns undefined when the verdict is not valid */
export function checkedKeyOf(verdict: Verdict, checkedAt: number): CheckedKey | undefined {
  const { valid, id, organization_id, label, permission_set, billing, expires_at } = verdict;
  if (!valid || id === null || organization_id === null) return undefined;
  return {
    view: Object.freeze({
      id,
      organizationId: organization_id,
      label: label ?? '',
      // A service that leaves it out has live keys only.
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
    // An older service without limits leaves it out.
    limited: (verdict.enforcement ?? null) !== null,
    addressBound: verdict.ip_restricted ?? false,
  };
}
