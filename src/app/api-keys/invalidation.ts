import { makeAllowListMemory } from '../../ip-allow-lists/organization-addresses.ts';
import { makeSessionMemory } from '../../sessions/live-sessions.ts';
import type { Config } from '../../config/config.ts';
import { makeAnnounce } from '../../invalidation/announce.ts';
import type { Invalidation } from '../../invalidation/invalidation.ts';
import { makeInvalidationHub } from '../../invalidation/invalidation-hub.ts';
import { makeInvalidationStreams } from '../../invalidation/invalidation-streams.ts';
import { makeKeyCache } from '../../verification/key-cache.ts';
import { makeTrust } from '../../invalidation/trust.ts';

const CACHE_TTL_MS = 60_000;

type Options = {
  config: Pick<Config, 'cacheMaxKeys' | 'staleGraceMs'>;
  alone: boolean;
  /** Limits of streams, in all and for one organization. */
  streams: Pick<Parameters<typeof makeInvalidationStreams>[0], 'maxStreams' | 'maxPerOrganization' | 'count'>;
};

/** Makes the caches of this replica, and passes each change to them first, then to listeners over HTTP. */
export function makeInvalidationParts({ config, alone, streams: bounds }: Options) {
  const { cacheMaxKeys: maxKeys, staleGraceMs: graceMs } = config;
  const cache = makeKeyCache({ maxKeys, ttlMs: CACHE_TTL_MS });
  const allowListMemory = makeAllowListMemory();
  const sessionMemory = makeSessionMemory();
  const hub = makeInvalidationHub();
  const caches = {
    invalidate(change: Invalidation) {
      sessionMemory.invalidate(change);
      // No cache of keys depends on a session.
      if (change.sessionId !== undefined) return;
      allowListMemory.invalidate(change);
      cache.invalidate(change);
      hub.invalidate(change);
    },
    clear() {
      sessionMemory.clear();
      allowListMemory.clear();
      cache.clear();
      hub.clear();
    },
    doubt: hub.wake,
  };
  const trust = makeTrust(caches, { alone, graceMs });
  const streams = makeInvalidationStreams({ ...bounds, hub, trust });
  return { cache, allowListMemory, sessionMemory, announce: makeAnnounce({ cache: caches, alone }), trust, streams };
}
