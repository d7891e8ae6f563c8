import type { RequestListener } from 'node:http';
import type { Knex } from 'knex';
import type { Logger } from 'pino';
import { makeAuditLog } from './audit/audit-log.ts';
import { makeAuditRepository } from './audit/audit-repository.ts';
import { auditRoutes } from './audit/audit-routes.ts';
import { makeAuthenticate } from './auth/authenticate.ts';
import { makeDescribeUser } from './auth/describe-user.ts';
import { makeServiceTokens } from './auth/service-tokens.ts';
import { sessionRoutes } from './auth/session-routes.ts';
import { makeBillingOf } from './billing/billing-of.ts';
import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import type { Config } from './config.ts';
import { makeAddressParts } from './container/address-parts.ts';
import { makeBillingParts } from './container/billing-parts.ts';
import { addGauges } from './container/gauges.ts';
import { makeHooks } from './container/hooks-parts.ts';
import { makeKeyRoutes } from './container/key-parts.ts';
import { makeLimitsParts } from './container/limits-parts.ts';
import type { LimitsParts } from './container/limits-parts.ts';
import { makeEvents, makeMemberParts, makeMirror } from './container/mirror-parts.ts';
import { makeInvalidationParts } from './container/invalidation-parts.ts';
import { makeConfigurationLoop } from './container/permission-parts.ts';
import { makeNoticesParts } from './container/notices-parts.ts';
import { makeReconcileParts } from './container/reconcile-parts.ts';
import { makeResolverParts } from './container/resolver-parts.ts';
import { makeSessionParts } from './container/session-parts.ts';
import { makeUsageParts } from './container/usage-parts.ts';
import type { UsageParts } from './container/usage-parts.ts';
import { makeVerificationParts } from './container/verification-parts.ts';
import { makeWorkosParts } from './container/workos-parts.ts';
import { isDatabaseUnavailable } from './db/pg-errors.ts';
import { passFaultPoint } from './fault-point.ts';
import type { FaultPoint } from './fault-point.ts';
import { makeAccessLog } from './http/access-log.ts';
import { makeApp } from './http/app.ts';
import { makeDocs } from './http/docs.ts';
import { healthRoutes } from './http/health-routes.ts';
import { makeMetricsPage } from './http/metrics-page.ts';
import { openApiDocument } from './http/openapi.ts';
import type { Route } from './http/route.ts';
import { makeIdempotencyRepository } from './idempotency/idempotency-repository.ts';
import { makeFindKey } from './keys/find-key.ts';
import { makeKeyFormat } from './keys/key-format.ts';
import { makeKeyRepository } from './keys/key-repository.ts';
import { makeMarker } from './keys/marker.ts';
import { makeUnsettledKeys } from './keys/unsettled-keys.ts';
import { leaseRoutes } from './limits/lease-routes.ts';
import { NOTICE_WEBHOOKS } from './notices/notice-webhooks.ts';
import { makeCatalogue } from './permissions/catalogue.ts';
import { permissionRoutes } from './permissions/permission-routes.ts';
import type { Product } from './permissions/product.ts';
import { deriveKeys } from './secrets.ts';
import { makeBackground } from './sync/background.ts';
import type { Background, Loop } from './sync/background.ts';
import { makePace } from './sync/pace.ts';
import { makeSettle } from './sync/settle.ts';
import { makeMetrics, measureRequests } from './telemetry/metrics.ts';
import { forwardAuthRoutes } from './verification/forward-auth-routes.ts';
import { makeKeyHasher } from './verification/key-hasher.ts';
import { invalidationRoutes } from './verification/invalidation-routes.ts';
import type { InvalidationStreams } from './verification/invalidation-streams.ts';
import { VERDICTS } from './verification/judge.ts';
import type { Trust } from './verification/trust.ts';
import { verifyRoutes } from './verification/verify-routes.ts';
import { VERSION } from './version.ts';

const READY_TIMEOUT_MS = 1_000;
const SWEEP_INTERVAL_MS = 60_000;
const SWEEP_BATCH = 1_000;

type Parts = {
  config: Config;
  product: Product;
  db: Knex;
  log: Logger;
  /** The only process on its database: what changes, changes here, and no channel of notices is needed. */
  alone?: boolean;
  clock?: Clock;
  /** Where a crash test may end the process; see `FaultPoint`. */
  at?: FaultPoint;
  /** On in tests: an error code that a route does not declare becomes a 500. */
  strict?: boolean;
};

type Platform = ReturnType<typeof makePlatform>;

/**
 * `trust` wants to be told of the channel of notices, unless the process is alone; `streams` to be ended before the
 * server, which would wait for them; `usage` to be closed after the server, while there is a database.
 */
export type Container = {
  app: RequestListener;
  background: Background;
  trust: Trust;
  streams: Pick<InvalidationStreams, 'end'>;
  usage: Pick<UsageParts, 'close'>;
  /** Shared with other replicas once they are ready, where that is configured. */
  limits: Pick<LimitsParts, 'ready' | 'close'>;
};

/** Wires the service together; the only place that knows all parts. */
export function makeContainer(parts: Parts): Container {
  const platform = makePlatform(parts);
  const { config, log, metrics } = platform;
  const verification = makeVerification(platform);
  const events = makeEvents(platform);
  const features = config.role === 'worker' ? [] : [...makeFeatureRoutes(platform, verification), ...events.routes()];
  const routes = [...features, ...makeHealth(platform)];
  const title = `${platform.product.product} API keys`;
  addGauges(platform, events.lagSeconds);
  const app = makeApp({
    routes,
    guards: {
      authenticate: makeCallers(platform, verification),
      assertAddress: platform.addressGuard(verification.keyCallers),
      admitKey: verification.keyCallers.admit,
      keyAnswered: verification.keyCallers.answered,
      assertBilling: (organizationId, billing) => platform.gate.assertMay(organizationId, 'api', billing),
    },
    fastLanes: config.role === 'worker' ? [] : verification.lanes,
    observers: [makeAccessLog(log), measureRequests(metrics)],
    pages: [
      makeDocs({ title, document: openApiDocument(routes, { title, version: VERSION, webhooks: NOTICE_WEBHOOKS }) }),
      makeMetricsPage(metrics),
    ],
    log,
    isDatabaseUnavailable,
    strict: parts.strict ?? false,
    trustProxyHops: config.trustProxyHops,
  });
  const { trust, streams, limits, closeSessions } = platform;
  const usage = { close: async () => void (await Promise.allSettled([platform.usage.close(), closeSessions()])) };
  return { app, background: makeLoops(platform, events.loops), trust, streams, usage, limits };
}

/** The same parts for a reconciliation that runs by itself. */
export function makeReconciliation({ config, ...parts }: Parts) {
  // It limits nobody.
  const limits = { ...config.limits, redisUrl: undefined };
  return makeReconcileParts(makePlatform({ ...parts, config: { ...config, limits } }));
}

/** The same parts for a look at the hooks that came in. */
export const makeHookInbox = (parts: Parts) => makeHooks(makePlatform(parts));

function makePlatform({ config, product, db, log, alone = false, clock = systemClock, at = passFaultPoint }: Parts) {
  const metrics = makeMetrics();
  const catalogue = makeCatalogue(product);
  const on = { config, product, db, log, clock, at, metrics, catalogue };
  const invalidation = makeInvalidationParts({ maxKeys: config.cacheMaxKeys, alone });
  const gateways = makeWorkosParts(on);
  const { workos } = gateways;
  const format = makeKeyFormat(product.api_keys);
  const notices = makeNoticesParts({ ...on, policyRules: catalogue.policyRules, workos });
  const audit = makeAuditLog({ announce: invalidation.announce, tell: notices.tell, clock });
  const billing = makeBillingParts({ ...on, audit });
  const addresses = makeAddressParts({ ...on, ...invalidation, ...billing, audit });
  const keys = makeKeyRepository(db);
  const findKey = makeFindKey({ keys });
  const usage = makeUsageParts({ ...on, ...gateways, format, codes: VERDICTS, findKey });
  const limits = makeLimitsParts(on);
  const marker = makeMarker(...deriveKeys(config, 'workos key marker'));
  const mirror = makeMirror({ ...on, marker, announce: invalidation.announce, audit });
  const { limiter } = limits;
  return {
    ...on,
    limits,
    limiter,
    usage,
    noteUse: usage.noteUse,
    refreshAtWorkos: usage.refreshAtWorkos,
    format,
    keys,
    findKey,
    unsettled: makeUnsettledKeys(db),
    places: makeIdempotencyRepository(db),
    ...invalidation,
    audit,
    notices,
    ...gateways,
    findServiceToken: makeServiceTokens(config.serviceTokens),
    hasher: makeKeyHasher(deriveKeys(config, 'api key hash')),
    marker,
    ...mirror,
    ...makeMemberParts({ ...mirror, ...on, workos }),
    ...billing,
    ...addresses,
    ...makeSessionParts({ ...on, ...invalidation, ...billing, ...addresses, audit, workos, limiter }),
    /** Its two transactions and its one call to WorkOS are over by then, or given up. */
    settleAfterMs: 2 * config.workos.timeoutMs + 1_000,
  };
}

function makeVerification(platform: Platform) {
  const parts = makeResolverParts(platform);
  return { ...parts, ...parts.resolver, ...makeVerificationParts({ ...platform, ...parts }) };
}

type Verification = ReturnType<typeof makeVerification>;

function makeFeatureRoutes(platform: Platform, verification: Verification): Route[] {
  const { db, workos } = platform;
  return [
    ...makeKeyRoutes(platform),
    ...permissionRoutes(platform),
    ...sessionRoutes({ describeUser: makeDescribeUser(workos), billingOf: makeBillingOf(platform) }),
    ...platform.billingRoutes(),
    ...platform.addressRoutes(),
    ...platform.sessionRoutes(verification.failures),
    ...verifyRoutes(verification),
    ...leaseRoutes(platform.limiter),
    ...invalidationRoutes(platform),
    ...forwardAuthRoutes({ assertMayUse: (id, operation) => platform.gate.assertMay(id, 'keys', operation) }),
    ...platform.usage.routes,
    ...makeHooks(platform).routes(),
    ...auditRoutes({ auditEvents: makeAuditRepository(db) }),
  ];
}

function makeLoops(platform: Platform, events: readonly Loop[]): Background {
  const { config, metrics, log, places, usage, clock } = platform;
  const settle = makeSettle({ ...platform, pace: makePace(config.workos.settlementsPerSecond) });
  const sweep = async () => {
    while ((await places.sweep(clock(), SWEEP_BATCH)) === SWEEP_BATCH);
  };
  const loops = [
    {
      name: 'settle',
      everyMs: config.settleIntervalMs,
      step: async (signal: AbortSignal) => void (await settle({ signal })),
    },
    { name: 'sweep_idempotency_keys', everyMs: SWEEP_INTERVAL_MS, step: sweep },
    ...events,
    platform.membersLoop,
    platform.decommissionLoop,
    makeConfigurationLoop(platform),
  ];
  const own = config.role === 'api' ? [] : loops;
  const all = [
    ...own,
    ...usage.loops,
    ...platform.sessionLoops,
    ...platform.notices.loops,
    ...makeHooks(platform).loops,
  ];
  return makeBackground({ loops: all, failures: metrics.failures, log });
}

function makeCallers({ format, verifyToken, workos, findServiceToken }: Platform, verification: Verification) {
  return makeAuthenticate({
    keyPrefixes: format.prefixes,
    verifyToken,
    findServiceToken,
    findApiKey: verification.keyCallers.find,
    failures: verification.failures,
    unsealSession: workos.unsealSession,
  });
}

function makeHealth({ db, workos }: Platform): Route[] {
  return healthRoutes({
    pingDatabase: () => db.raw('select 1').timeout(READY_TIMEOUT_MS),
    isWorkosReachable: workos.isReachable,
  });
}
