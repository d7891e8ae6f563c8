import { LRUCache } from 'lru-cache';
import type { Invalidation } from '../invalidation/invalidation.ts';
import type { MirrorRecord } from './mirror-record.ts';
import { makeRecentChanges } from '../invalidation/recent-changes.ts';

export type Cached = { record: MirrorRecord; readAtMs: number };
/** Times are whole milliseconds of the monotonic clock, since V8 keeps a fraction in an object of its own. */
type Entry = Cached & { renewAtMs: number; organization: Organization };
/** What cached keys of an organization share. */
type Organization = { keys: number; isDropped: boolean };
export type KeyCache = ReturnType<typeof makeKeyCache>;

type Options = {
  maxKeys: number;
  ttlMs: number;
  /** The monotonic clock. */
  nowMs?: () => number;
};

/** Keys in use are read again after this part of their time, so that no request waits when it is over. */
const RENEWED_AFTER = 0.75;
const RENEWED_AGAIN_MS = 1_000;
const OLD_TOO = { allowStale: true, noDeleteOnStaleGet: true };

/**
 * Caches recently used keys by HMAC, up to `maxKeys`. Every change in the database must reach `invalidate`, which drops
 * the keys it concerns, and refuses fills whose read may be older than the change.
 */
export function makeKeyCache({ maxKeys, ttlMs, nowMs = () => performance.now() }: Options) {
  let index = makeIndex();
  const entries = makeEntries({ maxKeys, ttlMs, nowMs }, (entry, hash) => index.remove(entry, hash));
  const changes = makeRecentChanges();
  let makings = 0;

  return {
    get: (hash: string): Entry | undefined => unlessDropped(entries.get(hash)),

    /** Also returns an entry that is past its time, for when nothing can be read. */
    getOld: (hash: string): Entry | undefined => unlessDropped(entries.get(hash, OLD_TOO)),

    /** Whether it is time to read a key again; says so to one caller a second. */
    isDue(entry: Entry): boolean {
      const now = nowMs();
      if (now < entry.renewAtMs) return false;
      entry.renewAtMs = Math.ceil(now) + RENEWED_AGAIN_MS;
      return true;
    },

    /** Returns the generation to remember before a read. */
    generation: changes.now,

    /** Whether a key may have changed since a read began under this generation. */
    hasChanged: (record: MirrorRecord, readUnder: number): boolean => changes.concern(record, readUnder),

    /** Changes whenever an unknown key may have become known; to be remembered before a read. */
    makings: (): number => makings,

    /** Caches a read key, unless it may have changed since. @returns whether it was cached */
    fill(hash: string, { record, readAtMs }: Cached, readUnder: number): boolean {
      if (changes.concern(record, readUnder)) return false;
      entries.delete(hash);
      entries.set(hash, {
        record,
        readAtMs: Math.floor(readAtMs),
        renewAtMs: Math.ceil(nowMs() + ttlMs * RENEWED_AFTER),
        organization: index.add(record, hash),
      });
      return true;
    },

    invalidate(change: Invalidation): void {
      changes.note(change);
      // A change of a whole organization creates no key, and a key in memory is not new.
      if (change.keyId === undefined) return index.dropOrganization(change.organizationId);
      const { keyId, organizationId } = change;
      const known = index
        .of(keyId)
        .filter((hash) => entries.peek(hash, OLD_TOO)?.record.organizationId === organizationId);
      for (const hash of known) entries.delete(hash);
      if (known.length === 0) makings++;
    },

    /** Drops a key that no longer exists. */
    drop: (hash: string): void => void entries.delete(hash),

    clear(): void {
      changes.note(undefined);
      makings++;
      index = makeIndex();
      entries.clear();
    },

    size: (): number => entries.size,
  };
}

function makeEntries({ maxKeys, ttlMs, nowMs }: Required<Options>, dispose: (entry: Entry, hash: string) => void) {
  return new LRUCache<string, Entry>({
    max: maxKeys,
    // A backstop: `invalidate` drops what has changed.
    ttl: ttlMs,
    perf: { now: nowMs },
    // Caching the time would need a timer for each millisecond.
    ttlResolution: 0,
    dispose,
  });
}

/** Returns no key of an organization that was dropped; it stays in memory until its place is needed. */
function unlessDropped(entry: Entry | undefined): Entry | undefined {
  return entry?.organization.isDropped ? undefined : entry;
}

/**
 * Finds the hashes of a key; nearly always it has one. Keys of an organization are dropped by a mark that they share: a list of
 * them would cost more than the rest of the index.
 */
function makeIndex() {
  const hashes = new Map<string, string | readonly string[]>();
  const organizations = new Map<string, Organization>();
  const of = (keyId: string): readonly string[] => {
    const known = hashes.get(keyId) ?? [];
    return typeof known === 'string' ? [known] : known;
  };
  const keep = (keyId: string, all: readonly string[]): void => {
    if (all.length === 0) hashes.delete(keyId);
    else hashes.set(keyId, all.length === 1 ? all[0]! : all);
  };

  return {
    of,

    /** @returns the mark of its organization */
    add({ organizationId, keyId }: MirrorRecord, hash: string): Organization {
      keep(keyId, [...of(keyId), hash]);
      const organization = organizations.get(organizationId) ?? { keys: 0, isDropped: false };
      organization.keys++;
      organizations.set(organizationId, organization);
      return organization;
    },

    remove({ record: { organizationId, keyId }, organization }: Entry, hash: string): void {
      keep(
        keyId,
        of(keyId).filter((other) => other !== hash),
      );
      organization.keys--;
      // A dropped one may have a successor.
      if (organization.keys === 0 && !organization.isDropped) organizations.delete(organizationId);
    },

    dropOrganization(organizationId: string): void {
      const organization = organizations.get(organizationId);
      if (organization) organization.isDropped = true;
      organizations.delete(organizationId);
    },
  };
}
