import { randomBytes } from 'node:crypto';
import type { Invalidation } from './invalidation.ts';

/** A point in what one process has told: which beginning it counts from, and how many changes since. */
export type Place = { epoch: string; number: number };
export type InvalidationHub = ReturnType<typeof makeInvalidationHub>;

const MAX_CHANGES = 10_000;
const EPOCH_BYTES = 9;

/**
 * The changes that this process was told of, for those that listen to it over HTTP: the last of them in memory, so
 * that a listener who was away for a moment misses none. Whenever some may have been missed, the counting begins anew
 * under another epoch, and no older place means anything.
 */
export function makeInvalidationHub({ maxChanges = MAX_CHANGES } = {}) {
  const listeners = new Set<() => void>();
  let ring: Invalidation[] = [];
  let epoch = newEpoch();
  let last = 0;
  const wake = () => {
    for (const listener of listeners) listener();
  };

  return {
    invalidate(change: Invalidation): void {
      last++;
      ring[last % maxChanges] = change;
      wake();
    },

    /** Anything may have changed. */
    clear(): void {
      epoch = newEpoch();
      last = 0;
      ring = [];
      wake();
    },

    /** Lets every listener look whether it may go on. */
    wake,

    now: (): Place => ({ epoch, number: last }),

    /** Whether every change after this place is still known. */
    reaches: (place: Place): boolean =>
      place.epoch === epoch && place.number <= last && place.number >= last - maxChanges,

    /** The change after one that was told; undefined after the last. */
    after: (number: number): Invalidation | undefined => (number < last ? ring[(number + 1) % maxChanges] : undefined),

    /** @returns how to stop listening */
    onChange(listener: () => void): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function newEpoch(): string {
  return randomBytes(EPOCH_BYTES).toString('base64url');
}
