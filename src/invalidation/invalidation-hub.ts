import { randomBytes } from 'node:crypto';
import type { Invalidation } from './invalidation.ts';

/** A point in the changes of one process: the epoch that it counts from, and the number of changes since. */
export type Position = { epoch: string; number: number };
export type InvalidationHub = ReturnType<typeof makeInvalidationHub>;

const MAX_CHANGES = 10_000;
const EPOCH_BYTES = 9;
/** Each write to a stream costs as much as many changes in one. */
const GATHER_MS = 10;

/**
 * Keeps the latest changes for listeners over HTTP, so that one that reconnects misses none. When this process may have
 * missed a change, a new epoch begins and older positions are void. The first change wakes listeners at once, those of the
 * next milliseconds together.
 */
export function makeInvalidationHub({ maxChanges = MAX_CHANGES, gatherMs = GATHER_MS } = {}) {
  const listeners = new Set<() => void>();
  let ring: Invalidation[] = [];
  let epoch = newEpoch();
  let last = 0;
  let timer: NodeJS.Timeout | undefined;
  let wokenAtMs = -Infinity;
  let unseen = 0;
  const wake = () => {
    clearTimeout(timer);
    timer = undefined;
    wokenAtMs = performance.now();
    unseen = 0;
    for (const listener of listeners) listener();
  };
  const wakeSoon = () => {
    // Long before the ring has forgotten what no listener has seen.
    if (++unseen >= maxChanges / 2) wake();
    else timer ??= setTimeout(wake, Math.max(0, wokenAtMs + gatherMs - performance.now())).unref();
  };

  return {
    invalidate(change: Invalidation): void {
      last++;
      ring[last % maxChanges] = change;
      wakeSoon();
    },

    /** Begins a new epoch: anything may have changed. */
    clear(): void {
      epoch = newEpoch();
      last = 0;
      ring = [];
      wake();
    },

    /** Lets every listener check whether it may continue. */
    wake,

    now: (): Position => ({ epoch, number: last }),

    /** Whether every change after this position is still in memory. */
    reaches: (position: Position): boolean =>
      position.epoch === epoch && position.number <= last && position.number >= last - maxChanges,

    /** Returns the change after this number; undefined after the last. */
    after: (number: number): Invalidation | undefined => (number < last ? ring[(number + 1) % maxChanges] : undefined),

    /** @returns a function that removes the listener */
    onChange(listener: () => void): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function newEpoch(): string {
  return randomBytes(EPOCH_BYTES).toString('base64url');
}
