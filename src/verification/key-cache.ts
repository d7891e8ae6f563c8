import { LRUCache } from 'lru-cache';
import type { Invalidation } from './invalidation.ts';
import type { MirrorRecord } from './mirror-record.ts';

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
 * `invalidate`, which drops what it concerns and every fill that was under way: what such a fill read may be older
 * than the change.
 */
export function makeKeyCache({ maxKeys, ttlMs, nowMs = () => performance.now() }: Options) {
  const byOrganization = new Map<string, Set<string>>();
  const entries = new LRUCache<string, Kept>({
    max: maxKeys,
    // A backstop: what is dropped is dropped by `invalidate`.
    ttl: ttlMs,
    perf: { now: nowMs },
    // A time that is remembered needs a timer for each millisecond.
    ttlResolution: 0,
    dispose({ record }, hash) {
      const hashes = byOrganization.get(record.organizationId);
      hashes?.delete(hash);
      if (hashes?.size === 0) byOrganization.delete(record.organizationId);
    },
  });
  let generation = 0;

  return {
    get: (hash: string): Kept | undefined => entries.get(hash),

    /** Whether it is time to read a key again. Who hears so should do it: the next one hears so in a second. */
    isDue(kept: Kept): boolean {
      const now = nowMs();
      if (now < kept.renewAtMs) return false;
      kept.renewAtMs = now + RENEWED_AGAIN_MS;
      return true;
    },

    /** To be taken before a read, and shown with its result. */
    generation: (): number => generation,

    /** Keeps what was read, unless something changed since `generation` was taken. @returns whether it was kept */
    fill(hash: string, { record, readAtMs }: Cached, readUnder: number): boolean {
      if (readUnder !== generation) return false;
      entries.set(hash, { record, readAtMs, renewAtMs: nowMs() + ttlMs * RENEWED_AFTER });
      const { organizationId } = record;
      const hashes = byOrganization.get(organizationId) ?? new Set();
      byOrganization.set(organizationId, hashes.add(hash));
      return true;
    },

    invalidate({ organizationId, keyId }: Invalidation): void {
      generation++;
      for (const hash of byOrganization.get(organizationId) ?? []) {
        if (keyId === undefined || entries.peek(hash)?.record.keyId === keyId) entries.delete(hash);
      }
    },

    /** What is there no more. */
    drop: (hash: string): void => void entries.delete(hash),

    clear(): void {
      generation++;
      entries.clear();
    },

    size: (): number => entries.size,
  };
}
