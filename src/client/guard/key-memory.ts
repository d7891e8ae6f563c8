import { checkedKeyOf, makeCheckedKeys } from './checked-keys.ts';
import type { CheckedKey } from './checked-keys.ts';
import { followFeed } from './invalidation-feed.ts';
import { makeRecentChanges } from './recent-changes.ts';
import type { Token } from '../send.ts';
import type { Verdict } from '../shapes.ts';
import type { CacheOptions } from './guard-shapes.ts';
import type { Now } from './steady-clock.ts';

type Options = {
  connection: { baseUrl: string; token: Token };
  cache: CacheOptions;
  onStream: (open: boolean) => void;
  /** Called on every change: answers to earlier calls may be outdated. */
  onChange: () => void;
  now: Now;
};

/** Creates the cache of verdicts by the hash of secrets, trusted while the stream of changes is open. */
export function makeKeyMemory({ connection, cache, onStream, onChange, now }: Options) {
  const { maxKeys = 10_000, ttlMs = 60_000, staleGraceMs = 0, replicaLagMs = 3_000 } = cache;
  const keys = makeCheckedKeys({ maxKeys });
  const changes = makeRecentChanges({ lagMs: replicaLagMs });
  const feed = followFeed({
    ...connection,
    onState: onStream,
    onChange(organizationId, keyId) {
      changes.note(organizationId, keyId);
      keys.invalidate(organizationId, keyId);
      onChange();
    },
    onReset() {
      changes.noteAll();
      keys.clear();
      onChange();
    },
  });

  return {
    /** Returns a cached key that is current. */
    peek(name: string): CheckedKey | undefined {
      const known = keys.get(name);
      if (!known || performance.now() - known.checkedAt >= ttlMs) return undefined;
      // No event announces a posture that changes by the clock.
      return known.changesAtMs !== undefined && known.changesAtMs <= now() ? undefined : known;
    },

    /** Caches a verdict unless the key changed since the call. @returns the key, if it is valid */
    store(name: string, verdict: Verdict, requestedAt: number): CheckedKey | undefined {
      const key = checkedKeyOf(verdict, requestedAt);
      if (key && !key.view.stale && changes.mayCache(verdict, requestedAt)) keys.set(name, key);
      else keys.remove(name);
      return key;
    },

    /** Returns an outdated key within `staleGraceMs`. */
    lastKnown(name: string): CheckedKey | undefined {
      const known = keys.get(name);
      // Only Latchkey knows the addresses that it is accepted from.
      if (!known || known.addressBound) return undefined;
      const goodAt = Math.max(known.checkedAt, Math.min(feed.receivedAt(), known.checkedAt + ttlMs));
      return performance.now() - goodAt < staleGraceMs ? { ...known, view: { ...known.view, stale: true } } : undefined;
    },

    /** Whether every request with this key must call Latchkey, as far as is known. */
    needsEachCall(name: string): boolean {
      const known = keys.get(name);
      return known !== undefined && needsEachCall(known);
    },

    isTrusted: (): boolean => feed.isOpen(performance.now()),
    size: keys.size,
    names: keys.names,
    close(): void {
      feed.close();
      keys.clear();
    },
  };
}

/** Whether each use of the key must call Latchkey, because of limits or addresses. */
export function needsEachCall({ limited, addressBound }: CheckedKey): boolean {
  return limited || addressBound;
}
