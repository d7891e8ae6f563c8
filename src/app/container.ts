import type { RequestListener } from 'node:http';
import { makeCallers } from './api-keys/callers.ts';
import { addGauges, addLoopGauges } from './gauges.ts';
import { makeConsoleParts } from './http/console.ts';
import { makeHealthParts } from './health.ts';
import { makeHttpParts } from './http/http.ts';
import type { LimitsParts } from './api-keys/limits.ts';
import { makeEvents } from './workos/mirror.ts';
import type { UsageParts } from './api-keys/usage.ts';
import type { ConnectionRules } from '../http/server/connections.ts';
import type { Background } from '../background/background.ts';
import type { InvalidationStreams } from '../invalidation/invalidation-streams.ts';
import type { Route } from '../http/route.ts';
import type { Trust } from '../invalidation/trust.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { makeFeatureRoutes, makeVerification } from './feature-routes.ts';
import { makeLoops } from './loops.ts';
import { makeProductApi, withHosts } from './http/product-api.ts';
import { makeProductFastPaths } from './http/product-fast-paths.ts';
import { makePlatform } from './platform.ts';
import type { Parts } from './platform.ts';

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
    guards: {
      assertCurrent: platform.trust.assertProven,
      authenticate,
      assertAddress: platform.addressGuard(verification.keyCallers),
      admitKey: verification.keyCallers.admit,
      keyAnswered: verification.keyCallers.answered,
      impersonatedMay: new Set(platform.product.sessions.impersonated_may),
      assertBilling: (organizationId, billing) => platform.gate.assertMay(organizationId, 'api', billing),
    },
    fastPaths:
      isWorker || parts.fastPaths === false
        ? []
        : [...verification.fastPaths, ...makeProductFastPaths({ ...platform, api, verification })],
    console: isWorker ? undefined : makeConsoleParts({ ...platform, signIn, authenticate }),
    strict: parts.strict ?? false,
  });
  const { trust, streams, limits, closeSessions, ci } = platform;
  const usage = {
    close: async () => void (await Promise.allSettled([platform.usage.close(), closeSessions(), ci.close()])),
  };
  const described = { routes: [...features, ...health], metrics: registry };
  return { ...http, background, trust, streams, usage, limits, drain, described };
}
