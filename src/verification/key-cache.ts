import { LRUCache } from 'lru-cache';
import type { Invalidation } from './invalidation.ts';
import type { MirrorRecord } from './mirror-record.ts';

export type Cached = { record: MirrorRecord; readAtMs: number };
export type KeyCache = ReturnType<typeof makeKeyCache>;

type Options = { maxKeys: number; ttlMs: number };

/**
 * The keys that were seen lately, by their hash; bounded in number. Everything that changes in the database is told to
 * `invalidate`, which drops what it concerns and every fill that was under way: what such a fill read may be older
 * than the change.
 */
export function makeKeyCache({ maxKeys, ttlMs }: Options) {
  const byOrganization = new Map<string, Set<string>>();
  const entries = new LRUCache<string, Cached>({
    max: maxKeys,
    // A backstop: what is dropped is dropped by `invalidate`.
    ttl: ttlMs,
    dispose({ record }, hash) {
      const hashes = byOrganization.get(record.organizationId);
      hashes?.delete(hash);
      if (hashes?.size === 0) byOrganization.delete(record.organizationId);
    },
  });
  let generation = 0;

  return {
    get: (hash: string): Cached | undefined => entries.get(hash),

    /** To be taken before a read, and shown with its result. */
    generation: (): number => generation,

    /** Keeps what was read, unless something changed since `generation` was taken. @returns whether it was kept */
    fill(hash: string, cached: Cached, readUnder: number): boolean {
      if (readUnder !== generation) return false;
      entries.set(hash, cached);
      const { organizationId } = cached.record;
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

    clear(): void {
      generation++;
      entries.clear();
    },

    size: (): number => entries.size,
  };
}
