import type { Knex } from 'knex';
import type { Logger } from 'pino';
import { makeAllowListMemory } from '../../ip-allow-lists/organization-addresses.ts';
import { makeOpaqueMemory } from '../../sessions/opaque/stored-sessions.ts';
import { makeSessionMemory } from '../../sessions/live-sessions.ts';
import type { Config } from '../../config/config.ts';
import { makeAnnounce, makeAnnounceAlone } from '../../invalidation/announce.ts';
import type { Invalidation } from '../../invalidation/invalidation.ts';
import { makeInvalidationHub } from '../../invalidation/invalidation-hub.ts';
import { makeInvalidationStreams } from '../../invalidation/invalidation-streams.ts';
import { makeNotifications } from '../../invalidation/notifications.ts';
import { makeKeyCache } from '../../verification/key-cache.ts';
import { makeTrust } from '../../invalidation/trust.ts';
import type { Trust } from '../../invalidation/trust.ts';
import type { RegionProof } from '../../region/region-proof.ts';
import { addTally } from '../../telemetry/metrics.ts';
import type { Metrics } from '../../telemetry/metrics.ts';

const CACHE_TTL_MS = 60_000;
/** So that keys in use are read again about 500 times a second, however many are cached. */
const CACHE_TTL_MS_PER_KEY = 2.5;

type Options = {
  config: Pick<Config, 'cacheMaxKeys' | 'staleGraceMs'>;
  alone: boolean;
  db: Knex;
  log: Pick<Logger, 'warn'>;
  metrics: Pick<Metrics, 'registry'>;
  /** Judges the region's database, if there is one. */
  regionProof: RegionProof | undefined;
  /** Limits of streams, in all and for one organization. */
  streams: Pick<Parameters<typeof makeInvalidationStreams>[0], 'maxStreams' | 'maxPerOrganization' | 'count'>;
};

/** Makes the caches of this replica, and passes each change to them first, then to listeners over HTTP. */
export function makeInvalidationParts({ config, alone, metrics, regionProof, streams: bounds, ...deps }: Options) {
  const { cacheMaxKeys: maxKeys, staleGraceMs: graceMs } = config;
  const cache = makeKeyCache({ maxKeys, ttlMs: Math.max(CACHE_TTL_MS, maxKeys * CACHE_TTL_MS_PER_KEY) });
  const allowListMemory = makeAllowListMemory();
  const sessionMemory = makeSessionMemory();
  const opaqueMemory = makeOpaqueMemory();
  const hub = makeInvalidationHub();
  const caches = {
    invalidate(change: Invalidation) {
      regionProof?.invalidate(change);
      sessionMemory.invalidate(change);
      opaqueMemory.invalidate(change);
      // No cache of keys depends on a session.
      if (change.sessionId !== undefined) return;
      allowListMemory.invalidate(change);
      cache.invalidate(change);
      hub.invalidate(change);
    },
    clear() {
      regionProof?.clear();
      sessionMemory.clear();
      opaqueMemory.clear();
      allowListMemory.clear();
      cache.clear();
      hub.clear();
    },
    doubt: hub.wake,
  };
  const received = { ...caches, invalidate: counting(metrics, caches.invalidate) };
  const trust = followedBy(regionProof, makeTrust(received, { alone, graceMs }));
  const streams = makeInvalidationStreams({ ...bounds, hub, trust });
  const notifications = makeNotifications(deps);
  // A replica also receives the changes that it announces, unless it is alone.
  const announce = alone ? makeAnnounceAlone(received) : makeAnnounce({ cache: caches, notifications });
  const flushNotifications = notifications.flush;
  return { cache, allowListMemory, sessionMemory, opaqueMemory, announce, flushNotifications, trust, streams };
}

/** Each heartbeat at home also looks for the beats that a region's database has to show. */
function followedBy(regionProof: RegionProof | undefined, trust: Trust): Trust {
  if (!regionProof) return trust;
  return {
    ...trust,
    begin() {
      trust.begin();
      regionProof.begin();
    },
    async heartbeat(ask) {
      await trust.heartbeat(ask);
      await regionProof.lookHome(ask);
    },
  };
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
