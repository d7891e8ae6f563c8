import { checkedKeyOf, makeCheckedKeys } from './checked-keys.ts';
import type { CheckedKey } from './checked-keys.ts';
import { followFeed } from './invalidation-feed.ts';
import { makeRecentChanges } from './recent-changes.ts';
import type { Token } from '../send.ts';
import type { Verdict } from '../shapes.ts';
import type { Now } from './steady-clock.ts';

/** What is kept in this process of keys that Latchkey called good. */
export type CacheOptions = {
  /** Keys at most; 10,000 unless said. 0 keeps none. */
  maxKeys?: number | undefined;
  /** How long a key is kept without asking again, in milliseconds: a backstop, for changes are told. 60,000 unless said. */
  ttlMs?: number | undefined;
  /**
   * How long a key is still served, marked `stale`, when Latchkey cannot be asked, in milliseconds since it was last
   * known to be good. 0, the default: never; what cannot be asked about is refused with 503.
   */
  staleGraceMs?: number | undefined;
  /**
   * How long a replica of Latchkey may take to hear of a change, in milliseconds: so long, after a change, an answer is
   * kept only if the mirror was read for it since. 3,000 unless said, for so long a replica that hears of nothing
   * believes its memory at most; 0 where Latchkey is one process.
   */
  replicaLagMs?: number | undefined;
};

type Options = {
  connection: { baseUrl: string; token: Token };
  cache: CacheOptions;
  onStream: (open: boolean) => void;
  /** Something changed: what was asked before may not be true. */
  onChange: () => void;
  now: Now;
};

/** What Latchkey said of keys, believed while it tells of every change. Keys go by a hash of their secrets. */
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
    /** What is known for certain. */
    peek(name: string): CheckedKey | undefined {
      const known = keys.get(name);
      if (!known || performance.now() - known.checkedAt >= ttlMs) return undefined;
      // A posture that ends by the clock is not told of.
      return known.changesAtMs !== undefined && known.changesAtMs <= now() ? undefined : known;
    },

    /** Remembers a verdict, unless something changed since it was asked for. @returns the key, if it is good */
    keep(name: string, verdict: Verdict, askedAt: number): CheckedKey | undefined {
      const key = checkedKeyOf(verdict, askedAt);
      if (key && !key.view.stale && changes.mayKeep(verdict, askedAt)) keys.set(name, key);
      else keys.remove(name);
      return key;
    },

    /** What was known last, if that is not too long ago. */
    lastKnown(name: string): CheckedKey | undefined {
      const known = keys.get(name);
      // From where it may be used only Latchkey knows.
      if (!known || known.addressBound) return undefined;
      const goodAt = Math.max(known.checkedAt, Math.min(feed.heardAt(), known.checkedAt + ttlMs));
      return performance.now() - goodAt < staleGraceMs ? { ...known, view: { ...known.view, stale: true } } : undefined;
    },

    /** Whether every request with this key is Latchkey's to judge, by its limits or its address, as far as is known. */
    isForEach(name: string): boolean {
      const known = keys.get(name);
      return known !== undefined && isForEach(known);
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

/** Whether each use of a key is to be asked about. */
export function isForEach({ limited, addressBound }: CheckedKey): boolean {
  return limited || addressBound;
}
