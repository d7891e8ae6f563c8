import { LRUCache } from 'lru-cache';
import type { Invalidation } from '../invalidation/invalidation.ts';
import type { MirrorRecord } from './mirror-record.ts';
import { makeRecentChanges } from '../invalidation/recent-changes.ts';

export type Cached = { record: MirrorRecord; readAtMs: number };
/** `renewAtMs` is on the monotonic clock. */
type Kept = Cached & { renewAtMs: number };
export type KeyCache = ReturnType<typeof makeKeyCache>;

type Options = {
  maxKeys: number;
  ttlMs: number;
  /** The monotonic clock. */
  nowMs?: () => number;
};

/** What is used after so much of its time is read again, so that nobody has to wait when that is over. */
const RENEWED_AFTER = 0.75;
const RENEWED_AGAIN_MS = 1_000;

/**
 * The keys that were seen lately, by their hash; bounded in number. Everything that changes in the database is told to
 * `invalidate`, which drops what it concerns, also of fills that are under way: what such a fill read may be older than
 * the change.
 */
export function makeKeyCache({ maxKeys, ttlMs, nowMs = () => performance.now() }: Options) {
  const hashes = makeHashIndex();
  const entries = new LRUCache<string, Kept>({
    max: maxKeys,
    // A backstop: what is dropped is dropped by `invalidate`.
    ttl: ttlMs,
    perf: { now: nowMs },
    // A time that is remembered needs a timer for each millisecond.
    ttlResolution: 0,
    dispose: ({ record }, hash) => hashes.remove(record, hash),
  });
  const changes = makeRecentChanges();
  let makings = 0;

  return {
    get: (hash: string): Kept | undefined => entries.get(hash),

    /** Also what is older than its time, when nothing can be read. */
    getOld: (hash: string): Kept | undefined => entries.get(hash, { allowStale: true, noDeleteOnStaleGet: true }),

    /** Whether it is time to read a key again. Who hears so should do it: the next one hears so in a second. */
    isDue(kept: Kept): boolean {
      const now = nowMs();
      if (now < kept.renewAtMs) return false;
      kept.renewAtMs = now + RENEWED_AGAIN_MS;
      return true;
    },

    /** To be taken before a read, and shown with its result. */
    generation: changes.now,

    /** Whether a key that was read since then may have changed in the meantime. */
    hasChanged: (record: MirrorRecord, readUnder: number): boolean => changes.concern(record, readUnder),

    /** Another number when a key that nobody knew may be known: to be taken before a read that finds none. */
    makings: (): number => makings,

    /** Keeps what was read, unless it changed since `generation` was taken. @returns whether it was kept */
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
      // A change of a whole organization makes no key. One that is in memory was made before.
      if (change.keyId !== undefined && dropped.length === 0) makings++;
    },

    /** What is there no more. */
    drop: (hash: string): void => void entries.delete(hash),

    clear(): void {
      changes.note(undefined);
      makings++;
      entries.clear();
    },

    size: (): number => entries.size,
  };
}

/** Of each organization the hashes of each of its keys, nearly always one. */
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

    /** Of one key, or, where none is named, of all. */
    of({ organizationId, keyId }: Invalidation): readonly string[] {
      const keys = byOrganization.get(organizationId);
      return keyId === undefined ? [...(keys?.values() ?? [])].flat() : (keys?.get(keyId) ?? []);
    },
  };
}
