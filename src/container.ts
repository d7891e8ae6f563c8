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
import { isDatabaseUnavailable } from './db/pg-errors.ts';
import { poolState } from './db/pool-state.ts';
import { makeAccessLog } from './http/access-log.ts';
import { makeApp } from './http/app.ts';
import { makeDocs } from './http/docs.ts';
import { healthRoutes } from './http/health-routes.ts';
import { makeMetricsPage } from './http/metrics-page.ts';
import { openApiDocument } from './http/openapi.ts';
import type { Route } from './http/route.ts';
import { makeCreateKey } from './keys/create-key.ts';
import { makeFindKey } from './keys/find-key.ts';
import { makeKeyRepository } from './keys/key-repository.ts';
import { keyRoutes } from './keys/key-routes.ts';
import { makeKeySchemas } from './keys/key-schemas.ts';
import { makeMarker } from './keys/marker.ts';
import { makeRevokeKey } from './keys/revoke-key.ts';
import { makeUpdateKey } from './keys/update-key.ts';
import { makeCatalogue } from './permissions/catalogue.ts';
import { permissionRoutes } from './permissions/permission-routes.ts';
import type { Product } from './permissions/product.ts';
import { deriveKey } from './secrets.ts';
import { addGauge, makeMetrics, measureRequests } from './telemetry/metrics.ts';
import { makeFindApiKey } from './verification/find-api-key.ts';
import { makeHashKey } from './verification/key-hash.ts';
import { VERSION } from './version.ts';
import { makeSdkGateway } from './workos/sdk-gateway.ts';

const READY_TIMEOUT_MS = 1_000;

type Parts = {
  config: Config;
  product: Product;
  db: Knex;
  log: Logger;
  clock?: Clock;
  /** On in tests: an error code that a route does not declare becomes a 500. */
  strict?: boolean;
};

type Platform = ReturnType<typeof makePlatform>;

/** Wires the service together; the only place that knows all parts. */
export function makeContainer(parts: Parts): { app: Express; log: Logger } {
  const platform = makePlatform(parts);
  const { log, metrics } = platform;
  const routes = [...makeFeatureRoutes(platform), ...makeHealth(platform)];
  const title = `${platform.product.product} API keys`;
  addGauges(platform);
  const app = makeApp({
    routes,
    guards: { authenticate: makeCallers(platform), assertMayCreate: platform.gate.assertMayCreate },
    observers: [makeAccessLog(log), measureRequests(metrics)],
    pages: [
      makeDocs({ title, document: openApiDocument(routes, { title, version: VERSION }) }),
      makeMetricsPage(metrics),
    ],
    log,
    isDatabaseUnavailable,
    strict: parts.strict ?? false,
    trustProxyHops: platform.config.trustProxyHops,
  });
  return { app, log };
}

function makePlatform({ config, product, db, log, clock = systemClock }: Parts) {
  const metrics = makeMetrics();
  const catalogue = makeCatalogue(product);
  const tenants = makeTenantRepository(db);
  return {
    config,
    product,
    db,
    log,
    clock,
    metrics,
    catalogue,
    tenants,
    keys: makeKeyRepository(db),
    audit: makeAuditLog({ clock }),
    workos: makeSdkGateway({ ...config.workos, workosCalls: metrics.workosCalls }),
    hashKey: makeHashKey(deriveKey(config.secret, 'api key hash')),
    gate: makeBillingGate({ tenants, keyLimitOf: (plan) => catalogue.planOf(plan).keyLimit, clock }),
  };
}

function makeFeatureRoutes(platform: Platform): Route[] {
  const { db, clock, keys, tenants, audit, workos, catalogue } = platform;
  return [
    ...permissionRoutes(catalogue),
    ...makeKeyRoutes(platform),
    ...sessionRoutes({ describeUser: makeDescribeUser(workos), billingOf: makeBillingOf({ tenants, clock }) }),
    ...billingRoutes({
      tenants,
      setBilling: makeSetBilling({ db, tenants, audit, clock }),
      planNames: catalogue.planNames,
      planOf: catalogue.planOf,
      countKeys: (organizationId) => keys.countTowardsQuota(db, organizationId, clock()),
      clock,
    }),
    ...auditRoutes({ auditEvents: makeAuditRepository(db) }),
  ];
}

function makeKeyRoutes({ config, db, clock, log, keys, audit, workos, catalogue, gate, hashKey }: Platform): Route[] {
  const marker = makeMarker(deriveKey(config.secret, 'workos key marker'));
  return keyRoutes({
    schemas: makeKeySchemas(catalogue.sets, clock),
    createKey: makeCreateKey({
      db,
      admit: gate.admitKey,
      keys,
      audit,
      workos,
      scopesOf: catalogue.scopesOf,
      marker,
      hashKey,
      clock,
      log,
    }),
    findKey: makeFindKey({ keys }),
    listKeys: keys.list,
    updateKey: makeUpdateKey({ db, keys, audit, clock }),
    revokeKey: makeRevokeKey({ db, keys, audit, workos, clock, log }),
    clock,
  });
}

function makeCallers({ config, product, db, clock, workos, hashKey }: Platform) {
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
    findServiceToken: makeServiceTokens(config.serviceTokens),
    findApiKey: makeFindApiKey({ db, hashKey, clock }),
    unsealSession: workos.unsealSession,
  });
}

function makeHealth({ db, workos }: Platform): Route[] {
  return healthRoutes({
    pingDatabase: () => db.raw('select 1').timeout(READY_TIMEOUT_MS),
    isWorkosReachable: workos.isReachable,
  });
}

function addGauges({ db, keys, metrics }: Platform): void {
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
}
