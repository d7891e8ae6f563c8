import { LRUCache } from 'lru-cache';
import type { KeyCache } from './key-cache.ts';

const MAX_KEYS = 10_000;
const TTL_MS = 30_000;

export type UnknownKeys = ReturnType<typeof makeUnknownKeys>;

/**
 * Keys that the mirror was asked for and does not have, by their hash; bounded in number. Any change that is told of may
 * be one of them, and makes all of them void.
 */
export function makeUnknownKeys(cache: Pick<KeyCache, 'generation'>) {
  const readUnder = new LRUCache<string, number>({ max: MAX_KEYS, ttl: TTL_MS });

  return {
    has: (name: string): boolean => readUnder.get(name) === cache.generation(),

    /** Notes that a read found nothing. `generation` is the cache's, from before the read. */
    note(name: string, generation: number): void {
      if (generation === cache.generation()) readUnder.set(name, generation);
    },

    size: (): number => readUnder.size,
  };
}
