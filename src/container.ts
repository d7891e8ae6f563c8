import type { Express } from 'express';
import type { Knex } from 'knex';
import type { Logger } from 'pino';
import { makeAuditLog } from './audit/audit-log.ts';
import { makeAuditRepository } from './audit/audit-repository.ts';
import { auditRoutes } from './audit/audit-routes.ts';
import { makeAuthenticate } from './auth/authenticate.ts';
import { makeDescribeUser } from './auth/describe-user.ts';
import { makeKeySet } from './auth/key-set.ts';
import { makeServiceTokens } from './auth/service-tokens.ts';
import { sessionRoutes } from './auth/session-routes.ts';
import { makeTokenVerifier } from './auth/token-verifier.ts';
import { makeBillingOf } from './billing/billing-of.ts';
import { billingRoutes } from './billing/billing-routes.ts';
import { makeBillingGate } from './billing/gate.ts';
import { makeSetBilling } from './billing/set-billing.ts';
import { makeTenantRepository } from './billing/tenant-repository.ts';
import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import type { Config } from './config.ts';
import { makeEvents, makeMirror, makeReconcileParts } from './container/mirror-parts.ts';
import { makeInvalidationParts } from './container/invalidation-parts.ts';
import { isDatabaseUnavailable } from './db/pg-errors.ts';
import { poolState } from './db/pool-state.ts';
import { passFaultPoint } from './fault-point.ts';
import type { FaultPoint } from './fault-point.ts';
import { makeAccessLog } from './http/access-log.ts';
import { makeApp } from './http/app.ts';
import type { FastLane } from './http/app.ts';
import { makeDocs } from './http/docs.ts';
import { healthRoutes } from './http/health-routes.ts';
import { makeMetricsPage } from './http/metrics-page.ts';
import { openApiDocument } from './http/openapi.ts';
import type { Route } from './http/route.ts';
import { makeIdempotencyRepository } from './idempotency/idempotency-repository.ts';
import { makeRunOnce } from './idempotency/run-once.ts';
import { makeSealing } from './idempotency/sealing.ts';
import { makeCreateKey } from './keys/create-key.ts';
import { makeFindKey } from './keys/find-key.ts';
import { makeKeyRepository } from './keys/key-repository.ts';
import { keyRoutes } from './keys/key-routes.ts';
import { makeKeySchemas } from './keys/key-schemas.ts';
import { makeMarker } from './keys/marker.ts';
import { makeProvisionKey } from './keys/provision-key.ts';
import { makeRevokeKey } from './keys/revoke-key.ts';
import { makeRotateKey } from './keys/rotate-key.ts';
import { makeUnsettledKeys } from './keys/unsettled-keys.ts';
import { makeUpdateKey } from './keys/update-key.ts';
import { makeCatalogue } from './permissions/catalogue.ts';
import { permissionRoutes } from './permissions/permission-routes.ts';
import type { Product } from './permissions/product.ts';
import { deriveKey } from './secrets.ts';
import { makeBackground } from './sync/background.ts';
import type { Background, Loop } from './sync/background.ts';
import { makeSettle } from './sync/settle.ts';
import { addGauge, makeMetrics, measureRequests } from './telemetry/metrics.ts';
import { makeAdoptKey } from './verification/adopt-key.ts';
import { makeFindApiKey } from './verification/find-api-key.ts';
import { forwardAuthRoutes } from './verification/forward-auth-routes.ts';
import { makeHashKey } from './verification/key-hash.ts';
import { invalidationRoutes } from './verification/invalidation-routes.ts';
import type { InvalidationStreams } from './verification/invalidation-streams.ts';
import { makeReadMirror } from './verification/mirror-record.ts';
import { makeKeyResolver } from './verification/resolve-key.ts';
import type { KeyResolver, ResolveKey } from './verification/resolve-key.ts';
import { makeVerifyFastLane } from './verification/fast-lane.ts';
import type { Trust } from './verification/trust.ts';
import { verifyRoutes } from './verification/verify-routes.ts';
import { VERSION } from './version.ts';
import { makeSdkGateway } from './workos/sdk-gateway.ts';

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
 * server, which would wait for them.
 */
export type Container = {
  app: Express;
  background: Background;
  trust: Trust;
  streams: Pick<InvalidationStreams, 'end'>;
};

/** Wires the service together; the only place that knows all parts. */
export function makeContainer(parts: Parts): Container {
  const platform = makePlatform(parts);
  const { config, log, metrics } = platform;
  const resolver = makeResolver(platform);
  const events = makeEvents(platform);
  const features =
    config.role === 'worker' ? [] : [...makeFeatureRoutes(platform, resolver.resolveKey), ...events.routes()];
  const routes = [...features, ...makeHealth(platform)];
  const title = `${platform.product.product} API keys`;
  addGauges(platform, events.lagSeconds);
  const app = makeApp({
    routes,
    guards: {
      authenticate: makeCallers(platform, resolver.resolveKey),
      assertMayCreate: platform.gate.assertMayCreate,
    },
    fastLanes: config.role === 'worker' ? [] : [makeFastLane(platform, resolver)],
    observers: [makeAccessLog(log), measureRequests(metrics)],
    pages: [
      makeDocs({ title, document: openApiDocument(routes, { title, version: VERSION }) }),
      makeMetricsPage(metrics),
    ],
    log,
    isDatabaseUnavailable,
    strict: parts.strict ?? false,
    trustProxyHops: config.trustProxyHops,
  });
  return { app, background: makeLoops(platform, events.loop), trust: platform.trust, streams: platform.streams };
}

/** The same parts for a reconciliation that runs by itself. */
export function makeReconciliation(parts: Parts) {
  return makeReconcileParts(makePlatform(parts));
}

function makePlatform({ config, product, db, log, alone = false, clock = systemClock, at = passFaultPoint }: Parts) {
  const metrics = makeMetrics();
  const catalogue = makeCatalogue(product);
  const tenants = makeTenantRepository(db);
  const invalidation = makeInvalidationParts({ maxKeys: config.cacheMaxKeys, alone });
  const audit = makeAuditLog({ announce: invalidation.announce, clock });
  const marker = makeMarker(deriveKey(config.secret, 'workos key marker'));
  return {
    config,
    product,
    db,
    log,
    clock,
    at,
    metrics,
    catalogue,
    tenants,
    keys: makeKeyRepository(db),
    unsettled: makeUnsettledKeys(db),
    places: makeIdempotencyRepository(db),
    ...invalidation,
    audit,
    workos: makeSdkGateway({ ...config.workos, workosCalls: metrics.workosCalls }),
    findServiceToken: makeServiceTokens(config.serviceTokens),
    hashKey: makeHashKey(deriveKey(config.secret, 'api key hash')),
    marker,
    ...makeMirror({ catalogue, marker, audit, clock }),
    gate: makeBillingGate({ tenants, keyLimitOf: (plan) => catalogue.planOf(plan).keyLimit, clock }),
    /** Its two transactions and its one call to WorkOS are over by then, or given up. */
    settleAfterMs: 2 * config.workos.timeoutMs + 1_000,
  };
}

function makeResolver(platform: Platform): KeyResolver {
  const readMirror = makeReadMirror(platform.db, platform.catalogue.neverGranted);
  const adopt = makeAdoptKey({ ...platform, questionsPerSecond: platform.config.workos.validationsPerSecond });
  return makeKeyResolver({ ...platform, readMirror, adopt });
}

function makeFastLane({ findServiceToken, metrics, clock }: Platform, { peekKey }: KeyResolver): FastLane {
  const path = '/v1/api-keys/verify';
  const observed = metrics.requests.labels({ route: path, method: 'POST', status: '200' });
  const observe = (seconds: number) => observed.observe(seconds);
  return { path, handle: makeVerifyFastLane({ findServiceToken, peekKey, observe, clock }) };
}

function makeFeatureRoutes(platform: Platform, resolveKey: ResolveKey): Route[] {
  const { db, clock, keys, tenants, audit, workos, catalogue } = platform;
  return [
    ...makeKeyRoutes(platform),
    ...permissionRoutes(catalogue),
    ...sessionRoutes({ describeUser: makeDescribeUser(workos), billingOf: makeBillingOf({ tenants, clock }) }),
    ...billingRoutes({
      tenants,
      setBilling: makeSetBilling({ db, tenants, audit, clock }),
      planNames: catalogue.planNames,
      planOf: catalogue.planOf,
      countKeys: (organizationId) => keys.countTowardsQuota(db, organizationId, clock()),
      clock,
    }),
    ...verifyRoutes({ resolveKey, clock }),
    ...invalidationRoutes(platform),
    ...forwardAuthRoutes({ assertMayCreate: platform.gate.assertMayCreate }),
    ...auditRoutes({ auditEvents: makeAuditRepository(db) }),
  ];
}

function makeKeyRoutes(platform: Platform): Route[] {
  const { keys, catalogue, gate, clock } = platform;
  const provision = makeProvisionKey(platform);
  const admit = gate.admitKey;
  return keyRoutes({
    schemas: makeKeySchemas(catalogue.sets, clock),
    createKey: makeCreateKey({ ...platform, admit, provision, scopesOf: catalogue.scopesOf }),
    rotateKey: makeRotateKey({ ...platform, admit, provision }),
    runOnce: makeRepeatable(platform),
    findKey: makeFindKey({ keys }),
    listKeys: keys.list,
    updateKey: makeUpdateKey(platform),
    revokeKey: makeRevokeKey(platform),
    clock,
  });
}

function makeRepeatable({ config, db, places, unsettled, settleAfterMs, clock }: Platform) {
  return makeRunOnce({
    db,
    places,
    sealing: makeSealing(deriveKey(config.secret, 'idempotency seal')),
    secret: deriveKey(config.secret, 'idempotency place'),
    endRow: unsettled.abandon,
    windowMs: config.idempotencyWindowMs,
    lockMs: settleAfterMs,
    clock,
  });
}

function makeLoops(platform: Platform, events: Loop): Background {
  const { config, metrics, log, places, clock } = platform;
  const settle = makeSettle(platform);
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
    events,
  ];
  return makeBackground({ loops: config.role === 'api' ? [] : loops, failures: metrics.failures, log });
}

function makeCallers({ config, product, clock, workos, findServiceToken }: Platform, resolveKey: ResolveKey) {
  const { clientId, apiUrl, authkitUrl, issuers, timeoutMs } = config.workos;
  return makeAuthenticate({
    keyPrefixes: product.api_keys.prefixes,
    verifyToken: makeTokenVerifier({
      clientId,
      sessionIssuers: issuers,
      sessionKeys: makeKeySet({ url: `${apiUrl}/sso/jwks/${clientId}`, timeoutMs, clock }),
      machineIssuer: authkitUrl,
      machineKeys:
        authkitUrl === undefined ? undefined : makeKeySet({ url: `${authkitUrl}/oauth2/jwks`, timeoutMs, clock }),
      clock,
    }),
    findServiceToken,
    findApiKey: makeFindApiKey({ resolveKey, clock }),
    unsealSession: workos.unsealSession,
  });
}

function makeHealth({ db, workos }: Platform): Route[] {
  return healthRoutes({
    pingDatabase: () => db.raw('select 1').timeout(READY_TIMEOUT_MS),
    isWorkosReachable: workos.isReachable,
  });
}

function addGauges({ db, keys, unsettled, clock, metrics }: Platform, eventsLagSeconds: () => Promise<number>): void {
  addGauge(
    metrics,
    { name: 'latchkey_database_connections', help: 'Connections of the pool, by state.', label: 'state' },
    () => poolState(db),
  );
  addGauge(
    metrics,
    { name: 'latchkey_api_keys', help: 'Rows of the mirror, by status.', label: 'status' },
    keys.countByStatus,
  );
  addGauge(
    metrics,
    { name: 'latchkey_lag_seconds', help: 'How long the oldest work of a loop has waited.', label: 'loop' },
    async () => ({ settle: await unsettled.lagSeconds(clock()), events: await eventsLagSeconds() }),
  );
}
