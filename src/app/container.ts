import type { RequestListener } from 'node:http';
import type { Knex } from 'knex';
import type { Logger } from 'pino';
import { makeAuditRepository } from '../audit/audit-repository.ts';
import { auditRoutes } from '../audit/audit-routes.ts';
import { makeDescribeUser } from '../auth/describe-user.ts';
import { makeServiceTokens } from '../auth/service-tokens.ts';
import { makeSessionCookies } from '../auth/session-cookie.ts';
import { sessionRoutes } from '../sessions/session-routes.ts';
import { makeItemsOf } from '../background/items.ts';
import type { Loop } from '../background/loop.ts';
import { forgetOldFailures } from '../background/failure-repository.ts';
import { makeBillingOf } from '../tenants/billing-of.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import { makeAddressParts } from './api-keys/ip-allow-lists.ts';
import { makeAuditParts } from './audit.ts';
import { makeShares } from './api-keys/budgets.ts';
import { makeBillingParts } from './billing.ts';
import { makeCallers } from './api-keys/callers.ts';
import { GAUGES_LOOP, addGauges, addLoopGauges } from './gauges.ts';
import { makeHealthParts } from './health.ts';
import { makeHooks } from './incoming-webhooks.ts';
import { makeHttpParts } from './http.ts';
import { makeKeyRoutes } from './api-keys/api-keys.ts';
import type { LimitsParts } from './api-keys/limits.ts';
import { makeEvents, makeMemberParts, makeMirror } from './workos/mirror.ts';
import { makeInvalidationParts } from './api-keys/invalidation.ts';
import { makeConfigurationLoop } from './api-keys/permissions.ts';
import { makeNoticesParts } from './webhooks.ts';
import { SETTLE_LOOP, makeReconcileParts, settleItems } from './workos/reconcile.ts';
import { makeInstruments } from './service-clock.ts';
import { makeResolverParts } from './api-keys/resolver.ts';
import { makeSessionParts } from './api-keys/sessions.ts';
import { makeUsageParts } from './api-keys/usage.ts';
import type { UsageParts } from './api-keys/usage.ts';
import { makeVerificationParts } from './api-keys/verification.ts';
import { makeWorkosParts } from './workos/gateway.ts';
import { passFaultPoint } from '../process/fault-point.ts';
import type { FaultPoint } from '../process/fault-point.ts';
import type { ConnectionRules } from '../http/server/connections.ts';
import type { Route } from '../http/route.ts';
import { makeIdempotencyRepository } from '../idempotency/idempotency-repository.ts';
import { makeFindKey } from '../api-keys/find-key.ts';
import { makeKeyFormat } from '../api-keys/format/key-format.ts';
import { makeKeyRepository } from '../api-keys/rows/key-repository.ts';
import { makeMarker } from '../api-keys/mirror/marker.ts';
import { makeUnsettledKeys } from '../api-keys/rows/unsettled-keys.ts';
import { leaseRoutes } from '../limits/leases/lease-routes.ts';
import { makeCatalogue } from '../permissions/catalogue.ts';
import { permissionRoutes } from '../permissions/permission-routes.ts';
import type { Product } from '../product/product.ts';
import { deriveKeys } from '../secrets.ts';
import { makeBackground } from '../background/background.ts';
import type { Background } from '../background/background.ts';
import { makeSettle } from '../workos-sync/settle.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { forwardAuthRoutes } from '../verification/forward-auth-routes.ts';
import { makeKeyHasher } from '../verification/hmac/key-hasher.ts';
import { invalidationRoutes } from '../invalidation/invalidation-routes.ts';
import type { InvalidationStreams } from '../invalidation/invalidation-streams.ts';
import { VERDICTS } from '../verification/judge.ts';
import type { Trust } from '../invalidation/trust.ts';
import { verifyRoutes } from '../verification/verify-routes.ts';

const SWEEP_INTERVAL_MS = 60_000;
const GAUGES_INTERVAL_MS = 60_000;
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
  /** Off where tests compare the answers of routes with those of their fast paths. */
  fastPaths?: boolean;
  /** Sits out the times in which WorkOS wants fewer requests, as a command does. */
  isPatient?: boolean;
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
  /** What is for operators alone, where that listens on an address of its own. */
  operations: RequestListener | undefined;
  connections: ConnectionRules;
  background: Background;
  trust: Trust;
  streams: Pick<InvalidationStreams, 'end'>;
  usage: Pick<UsageParts, 'close'>;
  /** Shared with other replicas once they are ready, where that is configured. */
  limits: Pick<LimitsParts, 'ready' | 'close'>;
  /** The process is not ready from here on, and answers all the same. */
  drain: () => void;
  /** Every route and every metric, for their reference pages. */
  described: { routes: readonly Route[]; metrics: Metrics['registry'] };
};

/** Wires the service together; the only place that knows all parts. */
export function makeContainer(parts: Parts): Container {
  const platform = makePlatform(parts);
  const { config } = platform;
  const verification = makeVerification(platform);
  const events = makeEvents(platform);
  const features = config.role === 'worker' ? [] : [...makeFeatureRoutes(platform, verification), ...events.routes()];
  const { healthRoutes: health, drain } = makeHealthParts({
    ...platform,
    countUnreadableEvents: events.unreadable.count,
  });
  addGauges(platform, events.unreadable.count);
  const background = makeLoops(platform, events.loops);
  addLoopGauges(platform, background);
  const http = makeHttpParts({
    ...platform,
    features,
    health,
    guards: {
      assertCurrent: platform.trust.assertProven,
      authenticate: makeCallers(platform, verification),
      assertAddress: platform.addressGuard(verification.keyCallers),
      admitKey: verification.keyCallers.admit,
      keyAnswered: verification.keyCallers.answered,
      impersonatedMay: new Set(platform.product.sessions.impersonated_may),
      assertBilling: (organizationId, billing) => platform.gate.assertMay(organizationId, 'api', billing),
    },
    fastLanes: config.role === 'worker' || parts.fastPaths === false ? [] : verification.lanes,
    strict: parts.strict ?? false,
  });
  const { trust, streams, limits, closeSessions } = platform;
  const usage = { close: async () => void (await Promise.allSettled([platform.usage.close(), closeSessions()])) };
  const described = { routes: [...features, ...health], metrics: platform.metrics.registry };
  return { ...http, background, trust, streams, usage, limits, drain, described };
}

/** The same parts for a reconciliation that runs by itself. */
export function makeReconciliation({ config, ...parts }: Parts) {
  // It limits nobody.
  const limits = { ...config.limits, redisUrl: undefined };
  return makeReconcileParts(makePlatform({ ...parts, config: { ...config, limits, role: 'worker' }, isPatient: true }));
}

/** The same loops for a look at what they set aside; nothing runs. */
export function makeIdleLoops(parts: Parts): readonly Loop[] {
  const platform = makePlatform({
    ...parts,
    config: { ...parts.config, role: 'all', limits: { ...parts.config.limits, redisUrl: undefined } },
  });
  return makeLoops(platform, makeEvents(platform).loops).loops;
}

/** The same parts for a look at what of WorkOS's events could not be read. */
export function makeUnreadableEventsParts(parts: Parts) {
  const { unreadable, retryUnreadable } = makeEvents(makePlatform(parts));
  return { unreadable, retryUnreadable };
}

/** The same parts for a look at the hooks that came in. */
export const makeHookInbox = (parts: Parts) => makeHooks(makePlatform(parts));

const itemsOf = (db: Knex, { failures }: Metrics, clock: Clock, log: Logger) =>
  makeItemsOf({ db, failures, clock, log });

function makePlatform(parts: Parts) {
  const { config, product, db, log, alone = false, at = passFaultPoint, isPatient = false } = parts;
  const { metrics, clock } = makeInstruments({ ...parts, log });
  const catalogue = makeCatalogue(product);
  const on = { config, product, db, log, clock, at, metrics, catalogue, itemsOf: itemsOf(db, metrics, clock, log) };
  const shares = makeShares(on);
  const { budgets, limiter, pace } = shares;
  const invalidation = makeInvalidationParts({ config, alone, streams: budgets.streams });
  const gateways = makeWorkosParts({ ...on, alone, isPatient });
  const { workos } = gateways;
  const format = makeKeyFormat(product.api_keys);
  const notices = makeNoticesParts({ ...on, policyRules: catalogue.policyRules, workos, pace });
  const { audit, sealLoops } = makeAuditParts({ ...on, announce: invalidation.announce, tell: notices.tell });
  const billing = makeBillingParts({ ...on, audit });
  const addresses = makeAddressParts({ ...on, ...invalidation, ...billing, audit });
  const keys = makeKeyRepository(db);
  const findKey = makeFindKey({ keys });
  const usage = makeUsageParts({ ...on, ...gateways, format, codes: VERDICTS, findKey });
  const marker = makeMarker(...deriveKeys(config, 'workos key marker'));
  const mirror = makeMirror({ ...on, marker, announce: invalidation.announce, audit });
  const tenants = { ...billing, ...addresses, ...makeMemberParts({ ...mirror, ...on, workos, pace }) };
  return {
    ...on,
    ...shares,
    usage,
    noteUse: usage.noteUse,
    refreshAtWorkos: usage.refreshAtWorkos,
    format,
    keys,
    findKey,
    unsettled: makeUnsettledKeys(db),
    idempotency: makeIdempotencyRepository(db),
    ...invalidation,
    audit,
    sealLoops,
    notices,
    ...gateways,
    findServiceToken: makeServiceTokens(config.serviceTokens),
    cookies: makeSessionCookies(config.workos.cookieName),
    hasher: makeKeyHasher(deriveKeys(config, 'api key hash')),
    marker,
    ...mirror,
    ...tenants,
    ...makeSessionParts({ ...on, ...invalidation, ...tenants, audit, workos, limiter, budgets }),
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
    ...forwardAuthRoutes({ presentedBy: verification.keyCallers.presentedBy, decide: verification.decide }),
    ...platform.usage.routes,
    ...makeHooks(platform).routes(),
    ...auditRoutes({ auditEvents: makeAuditRepository(db) }),
  ];
}

function sweeping(name: string, sweep: () => Promise<number>): Loop {
  return {
    name,
    everyMs: SWEEP_INTERVAL_MS,
    async step(signal) {
      while (!signal.aborted && (await sweep()) === SWEEP_BATCH);
    },
    bulk: 'One statement deletes what is old and skips rows that are held.',
  };
}

function makeLoops(platform: Platform, events: readonly Loop[]): Background {
  const { config, metrics, log, idempotency, usage, clock } = platform;
  const items = settleItems(platform);
  const settle = makeSettle({ ...platform, items });
  const loops: Loop[] = [
    {
      name: SETTLE_LOOP,
      everyMs: config.settleIntervalMs,
      step: async (signal) => void (await settle({ signal })),
      lagSeconds: () => platform.unsettled.lagSeconds(clock()),
      items: items.deadLetters,
    },
    sweeping('sweep_idempotency_keys', () => idempotency.sweep(clock(), SWEEP_BATCH)),
    sweeping('sweep_background_failures', () => forgetOldFailures(platform.db, clock(), SWEEP_BATCH)),
    ...events,
    platform.membersLoop,
    platform.decommissionLoop,
    makeConfigurationLoop(platform),
    {
      name: GAUGES_LOOP,
      everyMs: GAUGES_INTERVAL_MS,
      step: metrics.tableGauges.read,
      bulk: 'Each gauge is read by itself; one that fails is left out.',
    },
  ];
  const own = config.role === 'api' ? [] : loops;
  const all = [
    ...own,
    platform.replicas.loop,
    ...usage.loops,
    ...platform.sessionLoops,
    ...platform.notices.loops,
    ...platform.sealLoops,
    ...makeHooks(platform).loops,
  ];
  return makeBackground({ loops: all, isProven: platform.trust.isProven, failures: metrics.failures, log });
}
