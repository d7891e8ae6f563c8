import express from 'express';
import type { RequestHandler } from 'express';
import helmet from 'helmet';
import type { RequestListener } from 'node:http';
import type { Logger } from 'pino';
import { AppError } from '../errors.ts';
import { makeErrorHandler } from './error-handler.ts';
import { withFastLanes } from './fast-lane.ts';
import type { FastLane } from './fast-lane.ts';
import { mountRoutes } from './mount.ts';
import type { Guards } from './mount.ts';
import { assignRequestId } from './request-id.ts';
import type { Route } from './route.ts';

type Deps = {
  fastLanes: readonly FastLane[];
  routes: readonly Route[];
  guards: Guards;
  /** Seen by every request, in this order: logs, measures. */
  observers: readonly RequestHandler[];
  /** What is no JSON route: metrics, documents. */
  pages: readonly RequestHandler[];
  log: Logger;
  isDatabaseUnavailable: (error: unknown) => boolean;
  strict: boolean;
  /** How many proxies in front of this service may name the client's address. */
  trustProxyHops: number;
};

export function makeApp({
  fastLanes,
  routes,
  guards,
  observers,
  pages,
  log,
  isDatabaseUnavailable,
  strict,
  trustProxyHops,
}: Deps): RequestListener {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('trust proxy', trustProxyHops);
  app.use(assignRequestId, ...observers, helmet(), noStore, requireHost);
  for (const page of pages) app.use(page);
  app.use(mountRoutes(routes, { ...guards, strict }));
  app.use(refuseUnknownRoute);
  app.use(makeErrorHandler({ log, isDatabaseUnavailable }));
  return withFastLanes(app, fastLanes);
}

// Answers carry secrets and permissions: no cache on the way may keep them.
const noStore: RequestHandler = (_req, res, next) => {
  res.setHeader('cache-control', 'no-store');
  next();
};

// RFC 9112, section 3.2.
const requireHost: RequestHandler = (req, _res, next) => {
  if (req.httpVersion === '1.1' && req.headers.host === undefined) {
    throw new AppError('validation_error', 'An HTTP/1.1 request names its host.', {
      details: { fields: { host: 'This header is missing.' } },
    });
  }
  next();
};

const refuseUnknownRoute: RequestHandler = () => {
  throw new AppError('route_not_found', 'There is no such route. See /docs.');
};
