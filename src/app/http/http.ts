import type { RequestHandler } from 'express';
import type { RequestListener } from 'node:http';
import type { Logger } from 'pino';
import type { Config } from '../../config/config.ts';
import { isDatabaseUnavailable } from '../../db/pg-errors.ts';
import { makeAccessLog } from '../../http/access-log.ts';
import { makeApp } from '../../http/app.ts';
import { makeDocs } from '../../http/documents/docs.ts';
import type { FastPath } from '../../http/fast-path/fast-path.ts';
import { makeMetricsPage } from '../../http/documents/metrics-page.ts';
import type { Guards } from '../../http/mount.ts';
import type { CompiledApi } from '../../product-api/compile-api.ts';
import { openApiDocument } from '../../http/documents/openapi.ts';
import type { Route } from '../../http/route.ts';
import { DOCUMENTED_WEBHOOKS } from '../../webhooks/documented-webhooks.ts';
import type { Product } from '../../product/product.ts';
import { measureRequests } from '../../telemetry/metrics.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { withoutRedaction } from '../../telemetry/logger.ts';
import { traceRequests } from '../../telemetry/trace-requests.ts';
import type { Tracing } from '../../telemetry/tracing.ts';
import { VERSION } from '../../config/version.ts';
import { makeConnectionRules } from './connection-rules.ts';

type Deps = {
  config: Config;
  product: Pick<Product, 'product'>;
  metrics: Metrics;
  tracing: Tracing | undefined;
  scrape: () => Promise<string>;
  log: Logger;
  /** The API's routes, and health, which is on either address. */
  features: readonly Route[];
  health: readonly Route[];
  /** The product's own API: the form of its errors, and what lets pages of other origins call it. */
  api: (Pick<CompiledApi, 'errorForm'> & { pages: readonly RequestHandler[] }) | undefined;
  guards: Guards;
  fastPaths: readonly FastPath[];
  /** The console; undefined where it is switched off, and for a worker. */
  console: RequestHandler | undefined;
  strict: boolean;
};

/** Makes the API's request listener, and a second one for health and metrics if they have an address of their own. */
export function makeHttpParts(deps: Deps) {
  const { config, metrics, tracing, log, health, guards, fastPaths, strict } = deps;
  const routes = [...deps.features, ...health];
  const title = `${deps.product.product} API keys`;
  const documented = routes.filter(({ cookieOnly }) => !cookieOnly);
  const describe = () => openApiDocument(documented, { title, version: VERSION, webhooks: DOCUMENTED_WEBHOOKS });
  const docs = makeDocs({ title, describe });
  const metricsOn = config.operations === undefined ? 'api' : 'operations';
  const pagesOf = (on: 'api' | 'operations') => [
    ...(on === 'api' && deps.console ? [deps.console] : []),
    ...(config.docsOn === on ? [docs] : []),
    ...(metricsOn === on ? [makeMetricsPage({ ...metrics, scrape: deps.scrape })] : []),
  ];
  const shared = {
    guards,
    observers: [
      makeAccessLog(withoutRedaction(log)),
      measureRequests(metrics),
      ...(tracing ? [traceRequests(tracing)] : []),
    ],
    log,
    isDatabaseUnavailable,
    strict,
    trustProxyHops: config.trustProxyHops,
  };
  const app: RequestListener = makeApp({
    ...shared,
    fastPaths,
    routes,
    pages: [...(deps.api?.pages ?? []), ...pagesOf('api')],
    errorForm: deps.api?.errorForm,
  });
  const operations: RequestListener | undefined =
    config.operations &&
    makeApp({
      ...shared,
      fastPaths: [],
      routes: health,
      pages: pagesOf('operations'),
      errorForm: undefined,
    });
  return { app, operations, connections: makeConnectionRules(deps) };
}
