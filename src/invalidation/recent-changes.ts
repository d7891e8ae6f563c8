import type { Invalidation } from './invalidation.ts';

const MAX_CHANGES = 10_000;

/** Numbers the latest changes, so that a read can be checked against those that came while it ran. */
export function makeRecentChanges(maxChanges = MAX_CHANGES) {
  const ring: (Invalidation | undefined)[] = [];
  let last = 0;

  return {
    /** Returns the number to remember before a read. */
    now: (): number => last,

    /** Records a change; `undefined`: anything may have changed. */
    note(change: Invalidation | undefined): void {
      last++;
      ring[last % maxChanges] = change;
    },

    /** Whether a key may have changed since `number`. */
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
