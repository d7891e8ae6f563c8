import { makeAllowListMemory } from '../../ip-allow-lists/organization-addresses.ts';
import { makeOpaqueMemory } from '../../sessions/opaque/stored-sessions.ts';
import { makeSessionMemory } from '../../sessions/live-sessions.ts';
import type { Config } from '../../config/config.ts';
import { makeAnnounce } from '../../invalidation/announce.ts';
import type { Invalidation } from '../../invalidation/invalidation.ts';
import { makeInvalidationHub } from '../../invalidation/invalidation-hub.ts';
import { makeInvalidationStreams } from '../../invalidation/invalidation-streams.ts';
import { makeKeyCache } from '../../verification/key-cache.ts';
import { makeTrust } from '../../invalidation/trust.ts';
import { addTally } from '../../telemetry/metrics.ts';
import type { Metrics } from '../../telemetry/metrics.ts';

const CACHE_TTL_MS = 60_000;

type Options = {
  config: Pick<Config, 'cacheMaxKeys' | 'staleGraceMs'>;
  alone: boolean;
  metrics: Pick<Metrics, 'registry'>;
  /** Limits of streams, in all and for one organization. */
  streams: Pick<Parameters<typeof makeInvalidationStreams>[0], 'maxStreams' | 'maxPerOrganization' | 'count'>;
};

/** Makes the caches of this replica, and passes each change to them first, then to listeners over HTTP. */
export function makeInvalidationParts({ config, alone, metrics, streams: bounds }: Options) {
  const { cacheMaxKeys: maxKeys, staleGraceMs: graceMs } = config;
  const cache = makeKeyCache({ maxKeys, ttlMs: CACHE_TTL_MS });
  const allowListMemory = makeAllowListMemory();
  const sessionMemory = makeSessionMemory();
  const opaqueMemory = makeOpaqueMemory();
  const hub = makeInvalidationHub();
  const caches = {
    invalidate(change: Invalidation) {
      sessionMemory.invalidate(change);
      opaqueMemory.invalidate(change);
      // No cache of keys depends on a session.
      if (change.sessionId !== undefined) return;
      allowListMemory.invalidate(change);
      cache.invalidate(change);
      hub.invalidate(change);
    },
    clear() {
      sessionMemory.clear();
      opaqueMemory.clear();
      allowListMemory.clear();
      cache.clear();
      hub.clear();
    },
    doubt: hub.wake,
  };
  const received = { ...caches, invalidate: counting(metrics, caches.invalidate) };
  const trust = makeTrust(received, { alone, graceMs });
  const streams = makeInvalidationStreams({ ...bounds, hub, trust });
  // A replica also receives the changes that it announces, unless it is alone.
  const announce = makeAnnounce({ cache: alone ? received : caches, alone });
  return { cache, allowListMemory, sessionMemory, opaqueMemory, announce, trust, streams };
}

function counting(metrics: Options['metrics'], invalidate: (change: Invalidation) => void) {
  const count = addTally(
    metrics,
    {
      name: 'latchkey_invalidations_total',
      help: 'Changes that this process received, by what they are of; every replica receives all of them.',
      label: 'of',
    },
    ['key', 'organization', 'session'],
  );
  return (change: Invalidation) => {
    if (change.sessionId !== undefined) count('session');
    else count(change.keyId === undefined ? 'organization' : 'key');
    invalidate(change);
  };
}
