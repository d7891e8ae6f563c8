import type { Invalidation } from './invalidation.ts';

type NamedKey = { organizationId: string; keyId: string };

const MAX_CHANGES = 10_000;

/** Numbers the latest changes, so that a read can be checked against those that came while it ran. */
export function makeRecentChanges(maxChanges = MAX_CHANGES) {
  const ring: (Invalidation | undefined)[] = [];
  let last = 0;

  function since(number: number, concerns: (change: Invalidation) => boolean): boolean {
    if (last - number > maxChanges) return true;
    for (let i = number + 1; i <= last; i++) {
      const change = ring[i % maxChanges];
      if (!change || concerns(change)) return true;
    }
    return false;
  }

  return {
    /** Returns the number to remember before a read. */
    now: (): number => last,

    /** Records a change; `undefined`: anything may have changed. */
    note(change: Invalidation | undefined): void {
      last++;
      ring[last % maxChanges] = change;
    },

    /** Whether a change since `number` concerns a read. */
    since,

    /** Whether a key may have changed since `number`. */
    concern: (key: NamedKey, number: number): boolean => since(number, (change) => isOfKey(change, key)),
  };
}

/** Whether a change is of this key, or of its whole organization. */
export function isOfKey(change: Invalidation, { organizationId, keyId }: NamedKey): boolean {
  return change.organizationId === organizationId && (change.keyId ?? keyId) === keyId;
}
