import type { Invalidation } from './invalidation.ts';

const MAX_CHANGES = 10_000;

/** The last changes by number, to tell whether one of them concerns what was read in the meantime. */
export function makeRecentChanges(maxChanges = MAX_CHANGES) {
  const ring: (Invalidation | undefined)[] = [];
  let last = 0;

  return {
    /** To be taken before a read, and shown with its result. */
    now: (): number => last,

    /** `undefined`: anything may have changed. */
    note(change: Invalidation | undefined): void {
      last++;
      ring[last % maxChanges] = change;
    },

    /** Whether a key may be another one than what was read since `number`. */
    concern({ organizationId, keyId }: { organizationId: string; keyId: string }, number: number): boolean {
      if (last - number > maxChanges) return true;
      for (let i = number + 1; i <= last; i++) {
        const change = ring[i % maxChanges];
        if (!change) return true;
        if (change.organizationId === organizationId && (change.keyId ?? keyId) === keyId) return true;
      }
      return false;
    },
  };
}
