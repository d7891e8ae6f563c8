import { makeBoundedCache } from '../bounded-cache.ts';
import type { Invalidation } from './invalidation.ts';

export type GuardedMemory<Value extends object> = ReturnType<typeof makeGuardedMemory<Value>>;

type Options = {
  /** How many entries it holds, at most. */
  max: number;
  /** The name of the entry that a change makes old; undefined when it makes none old. */
  nameIn: (change: Invalidation) => string | undefined;
};

/** A backstop: an entry that became old is dropped by `invalidate`. */
const TTL_MS = 60_000;

/** Remembers rows of the database until a change makes them old. A read that began before a change fills nothing. */
export function makeGuardedMemory<Value extends object>({ max, nameIn }: Options) {
  const entries = makeBoundedCache<Value>({ max, ttl: TTL_MS });
  let generation = 0;
  return {
    get: (name: string): Value | undefined => entries.get(name),

    /** Take it before a read, and hand it to `fill` with the result. */
    generation: (): number => generation,

    /** Remembers what was read, unless an entry became old since `readUnder`. */
    fill(name: string, value: Value, readUnder: number): void {
      if (readUnder === generation) entries.set(name, value);
    },

    invalidate(change: Invalidation): void {
      const name = nameIn(change);
      if (name === undefined) return;
      generation++;
      entries.delete(name);
    },

    clear(): void {
      generation++;
      entries.clear();
    },
  };
}
