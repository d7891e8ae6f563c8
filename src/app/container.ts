import type { RequestListener } from 'node:http';
import { makeCallers } from './api-keys/callers.ts';
import { addGauges, addLoopGauges } from './gauges.ts';
import { makeConsoleParts } from './http/console.ts';
import { makeHealthParts } from './health.ts';
import { makeHttpParts } from './http/http.ts';
import type { LimitsParts } from './api-keys/limits.ts';
import { makeEvents } from './workos/mirror.ts';
import type { UsageParts } from './api-keys/usage.ts';
import type { FastPath } from '../http/fast-path/fast-path.ts';
import type { Guards } from '../http/mount.ts';
import type { ConnectionRules } from '../http/server/connections.ts';
import type { Background } from '../background/background.ts';
import type { InvalidationStreams } from '../invalidation/invalidation-streams.ts';
import type { Route } from '../http/route.ts';
import type { Trust } from '../invalidation/trust.ts';
import type { RegionProof } from '../region/region-proof.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { isPresentedKey } from '../verification/presented-key.ts';
import { makeFeatureRoutes, makeVerification } from './feature-routes.ts';
import type { Verification } from './feature-routes.ts';
import { makeLoops } from './loops.ts';
import { makeKeyReadFastPaths } from './http/key-read-fast-paths.ts';
import { makeProductApi, withHosts } from './http/product-api.ts';
import { makeProductFastPaths } from './http/product-fast-paths.ts';
import { makePlatform } from './platform.ts';
import type { Parts, Platform } from './platform.ts';

export type Container = {
  app: RequestListener;
  /** Health and metrics, if they listen on an address of their own. */
  operations: RequestListener | undefined;
  connections: ConnectionRules;
  background: Background;
  /** Receives the state of the `LISTEN` connection, unless the process is alone. */
  trust: Trust;
  /** End them before the server, which would wait for them. */
  streams: Pick<InvalidationStreams, 'end'>;
  /** Close it after the server and before the database. */
  usage: Pick<UsageParts, 'close'>;
  /** `ready` resolves when the limits are shared with other replicas, if Redis is configured. */
  limits: Pick<LimitsParts, 'ready' | 'close'>;
  /** What the region's database proves, if there is one. */
  regionProof: RegionProof | undefined;
  /** Makes `/readyz` fail while requests are still answered. */
  drain: () => void;
  /** Every route and every metric, for their reference pages. */
  described: { routes: readonly Route[]; metrics: Metrics['registry'] };
};

/**
 * Wires the service together: the platform, verification on top of it, then what meets the outside, which is HTTP and
 * background loops.
 */
export function makeContainer(parts: Parts): Container {
  const platform = makePlatform(parts);
  const { config } = platform;
  const verification = makeVerification(platform);
  const events = makeEvents(platform);
  const isWorker = config.role === 'worker';
  const signIn = platform.signInOf(verification.failures);
  const all = () => [...makeFeatureRoutes(platform, verification, signIn), ...events.routes()];
  const own = isWorker ? [] : withHosts(all(), platform);
  const api = isWorker ? undefined : makeProductApi({ ...platform, refuseProduct: parts.refuseProduct }, own);
  const features = api?.routes ?? own;
  const authenticate = makeCallers(platform, verification);
  const { healthRoutes: health, drain } = makeHealthParts({
    ...platform,
    role: config.role,
    countUnreadableEvents: events.unreadable.count,
  });
  addGauges(platform, events.unreadable.count);
  const background = makeLoops(platform, events.loops);
  addLoopGauges(platform, background);
  const { registry } = platform.metrics;
  const http = makeHttpParts({
    ...platform,
    scrape: parts.scrapeOf?.(registry) ?? (() => registry.metrics()),
    features,
    health,
    api,
    guards: makeGuards(platform, verification, authenticate),
    fastPaths: isWorker || parts.fastPaths === false ? [] : fastPathsOf({ ...platform, api, verification, features }),
    console: isWorker ? undefined : makeConsoleParts({ ...platform, signIn, authenticate }),
    strict: parts.strict ?? false,
  });
  const { trust, streams, limits } = platform;
  const usage = { close: () => writeLast(platform) };
  const described = { routes: [...features, ...health], metrics: registry };
  return { ...http, background, trust, streams, usage, limits, regionProof: platform.region?.proof, drain, described };
}

/** What every request to a route passes before its handler. */
function makeGuards(
  { trust, addressGuard, product, gate, budgets }: ReturnType<typeof makePlatform>,
  { keyCallers }: ReturnType<typeof makeVerification>,
  authenticate: Guards['authenticate'],
): Guards {
  return {
    assertCurrent: trust.assertProven,
    authenticate,
    assertAddress: addressGuard(keyCallers),
    admitKey: keyCallers.admit,
    keyAnswered: keyCallers.answered,
    impersonatedMay: new Set(product.sessions.impersonated_may),
    async assertBilling(caller, billing) {
      // A key was found with what determines the posture.
      if (caller.kind === 'api_key' && isPresentedKey(caller))
        gate.assertAllowed(caller.resolved.record.account, 'api', billing);
      else await gate.assertMay(caller.organizationId, 'api', billing);
    },
    takeExport: budgets.exports.take,
  };
}

async function writeLast({ usage, closeSessions, ci, flushNotifications }: Platform): Promise<void> {
  await Promise.allSettled([usage.close(), closeSessions(), ci.close()]);
  await flushNotifications();
}

type FastPathDeps = Parameters<typeof makeProductFastPaths>[0] &
  Parameters<typeof makeKeyReadFastPaths>[0] & { verification: Verification };

function fastPathsOf(deps: FastPathDeps): FastPath[] {
  return [...deps.verification.fastPaths, ...makeProductFastPaths(deps), ...makeKeyReadFastPaths(deps)];
}
