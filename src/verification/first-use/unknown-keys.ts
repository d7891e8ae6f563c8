import { makeBoundedCache } from '../../bounded-cache.ts';
import type { KeyCache } from '../key-cache.ts';

const MAX_KEYS = 10_000;
const TTL_MS = 30_000;

export type UnknownKeys = ReturnType<typeof makeUnknownKeys>;

/**
 * Remembers keys that are not in the mirror, by HMAC; bounded in number. A change that may make one of them known voids
 * all of them.
 */
export function makeUnknownKeys(cache: Pick<KeyCache, 'makings'>) {
  const readUnder = makeBoundedCache<number>({ max: MAX_KEYS, ttl: TTL_MS });

  return {
    has: (name: string): boolean => readUnder.get(name) === cache.makings(),

    /** Records that a read found nothing; `makings` is the cache's from before the read. */
    note(name: string, makings: number): void {
      if (makings === cache.makings()) readUnder.set(name, makings);
    },

    size: (): number => readUnder.size,
  };
}
