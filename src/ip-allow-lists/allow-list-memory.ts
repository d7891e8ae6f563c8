import { LRUCache } from 'lru-cache';

export type AllowListMemory = ReturnType<typeof makeAllowListMemory>;

const MAX_ORGANIZATIONS = 20_000;
/** A backstop: what is dropped is dropped by `invalidate`. */
const TTL_MS = 60_000;

/** The allow lists of organizations that were seen lately; bounded in number. */
export function makeAllowListMemory() {
  const lists = new LRUCache<string, readonly string[]>({ max: MAX_ORGANIZATIONS, ttl: TTL_MS });
  let generation = 0;
  return {
    get: (organizationId: string) => lists.get(organizationId),

    /** To be taken before a read, and shown with its result. */
    generation: () => generation,

    /** Keeps what was read, unless something changed since `generation` was taken. */
    fill(organizationId: string, list: readonly string[], readUnder: number): void {
      if (readUnder === generation) lists.set(organizationId, list);
    },

    /** A change of one key is none of these. */
    invalidate({ organizationId, keyId }: { organizationId: string; keyId?: string | undefined }): void {
      if (keyId !== undefined) return;
      generation++;
      lists.delete(organizationId);
    },

    clear(): void {
      generation++;
      lists.clear();
    },
  };
}
