import { LRUCache } from 'lru-cache';

type Bounds = {
  /** The most entries; beyond them the least recently used one is forgotten. */
  max: number;
  ttl?: number;
};

/**
 * Makes a cache that takes room as entries come. Under its own `max` an LRUCache takes all of its room when it is made:
 * some 50 bytes and 0.1 µs an entry, which a process with many large and mostly empty caches notices.
 */
export function makeBoundedCache<Value extends {}>({ max, ttl = 0 }: Bounds): LRUCache<string, Value> {
  return new LRUCache<string, Value>({ maxSize: max, sizeCalculation: () => 1, ttl });
}
