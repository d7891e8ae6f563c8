import { LRUCache } from 'lru-cache';
import type { Invalidation } from '../invalidation/invalidation.ts';
import type { MirrorRecord } from './mirror-record.ts';
import { makeRecentChanges } from '../invalidation/recent-changes.ts';

export type Cached = { record: MirrorRecord; readAtMs: number };
type Entry = Cached & {
  /** On the monotonic clock. */
  renewAtMs: number;
};
export type KeyCache = ReturnType<typeof makeKeyCache>;

type Options = {
  maxKeys: number;
  ttlMs: number;
  /** The monotonic clock. */
  nowMs?: () => number;
};

/** Keys in use are read again after this part of their time, so that no request waits when it is over. */
const RENEWED_AFTER = 0.75;
const RENEWED_AGAIN_MS = 1_000;

/**
 * Caches recently used keys by HMAC, up to `maxKeys`. Every change in the database must reach `invalidate`, which drops
 * the keys it concerns, and refuses fills whose read may be older than the change.
 */
export function makeKeyCache({ maxKeys, ttlMs, nowMs = () => performance.now() }: Options) {
  const hashes = makeHashIndex();
  const entries = new LRUCache<string, Entry>({
    max: maxKeys,
    // A backstop: `invalidate` drops what has changed.
    ttl: ttlMs,
    perf: { now: nowMs },
    // Caching the time would need a timer for each millisecond.
    ttlResolution: 0,
    dispose: ({ record }, hash) => hashes.remove(record, hash),
  });
  const changes = makeRecentChanges();
  let makings = 0;

  return {
    get: (hash: string): Entry | undefined => entries.get(hash),

    /** Also returns an entry that is past its time, for when nothing can be read. */
    getOld: (hash: string): Entry | undefined => entries.get(hash, { allowStale: true, noDeleteOnStaleGet: true }),

    /** Whether it is time to read a key again; says so to one caller a second. */
    isDue(entry: Entry): boolean {
      const now = nowMs();
      if (now < entry.renewAtMs) return false;
      entry.renewAtMs = now + RENEWED_AGAIN_MS;
      return true;
    },

    /** Returns the generation to remember before a read. */
    generation: changes.now,

    /** Whether a key may have changed since a read began under this generation. */
    hasChanged: (record: MirrorRecord, readUnder: number): boolean => changes.concern(record, readUnder),

    /** Changes whenever an unknown key may have become known; to be remembered before a read. */
    makings: (): number => makings,

    /** Caches a read key, unless it may have changed since. @returns whether it was cached */
    fill(hash: string, { record, readAtMs }: Cached, readUnder: number): boolean {
      if (changes.concern(record, readUnder)) return false;
      entries.set(hash, { record, readAtMs, renewAtMs: nowMs() + ttlMs * RENEWED_AFTER });
      hashes.add(record, hash);
      return true;
    },

    invalidate(change: Invalidation): void {
      changes.note(change);
      const dropped = hashes.of(change);
      for (const hash of dropped) entries.delete(hash);
      // A change of a whole organization creates no key, and a key in memory is not new.
      if (change.keyId !== undefined && dropped.length === 0) makings++;
    },

    /** Drops a key that no longer exists. */
    drop: (hash: string): void => void entries.delete(hash),

    clear(): void {
      changes.note(undefined);
      makings++;
      entries.clear();
    },

    size: (): number => entries.size,
  };
}

/** Indexes hashes by organization and key; a key nearly always has one. */
function makeHashIndex() {
  const byOrganization = new Map<string, Map<string, readonly string[]>>();
  type Named = Pick<MirrorRecord, 'organizationId' | 'keyId'>;

  return {
    add({ organizationId, keyId }: Named, hash: string): void {
      const keys = byOrganization.get(organizationId) ?? new Map<string, readonly string[]>();
      byOrganization.set(organizationId, keys.set(keyId, [...(keys.get(keyId) ?? []), hash]));
    },

    remove({ organizationId, keyId }: Named, hash: string): void {
      const keys = byOrganization.get(organizationId);
      const others = keys?.get(keyId)?.filter((other) => other !== hash) ?? [];
      if (others.length > 0) keys?.set(keyId, others);
      else keys?.delete(keyId);
      if (keys?.size === 0) byOrganization.delete(organizationId);
    },

    /** Returns the hashes of one key, or of all keys if none is named. */
    of({ organizationId, keyId }: Invalidation): readonly string[] {
      const keys = byOrganization.get(organizationId);
      return keyId === undefined ? [...(keys?.values() ?? [])].flat() : (keys?.get(keyId) ?? []);
    },
  };
}
