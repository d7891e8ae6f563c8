import express from 'express';
import type { RequestHandler } from 'express';
import helmet from 'helmet';
import type { RequestListener } from 'node:http';
import type { Logger } from 'pino';
import { AppError } from '../errors.ts';
import { clientAddress } from '../ip/client-address.ts';
import { makeErrorHandler } from './error-handler.ts';
import { withFastLanes } from './fast-path/fast-path.ts';
import type { FastLane } from './fast-path/fast-path.ts';
import { mountRoutes } from './mount.ts';
import type { Guards } from './mount.ts';
import { isThereTwice } from './server/raw-headers.ts';
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
  // Nothing that is not stored can be fresh: `If-None-Match: *`, passed on by a proxy, would turn a 200 into a 304.
  Object.defineProperty(app.request, 'fresh', { value: false });
  app.set('trust proxy', trustProxyHops);
  // Express takes a proxy's word as it is written, with a port or in brackets.
  Object.defineProperty(app.request, 'ip', {
    configurable: true,
    get(this: express.Request) {
      return clientAddress(this, trustProxyHops);
    },
  });
  const fastPaths = new Set<string>(routes.filter(({ fastPath }) => fastPath).map(({ path }) => path));
  app.use(assignRequestId, ...observers, secureExcept(fastPaths), noStore, requireHost);
  for (const page of pages) app.use(page);
  app.use(mountRoutes(routes, { ...guards, strict }));
  app.use(refuseUnknownRoute);
  app.use(makeErrorHandler({ log, isDatabaseUnavailable }));
  return withFastLanes(app, fastLanes);
}

/** Services and proxies ask on fast paths, for which the headers of browsers mean nothing but bytes. */
function secureExcept(fastPaths: ReadonlySet<string>): RequestHandler {
  const secure = helmet();
  return (req, res, next) => {
    if (!fastPaths.has(req.path)) return secure(req, res, next);
    res.setHeader('x-content-type-options', 'nosniff');
    next();
  };
}

// Answers carry secrets and permissions: no cache on the way may keep them.
const noStore: RequestHandler = (_req, res, next) => {
  res.setHeader('cache-control', 'no-store');
  next();
};

// RFC 9112, section 3.2. Of two hosts a proxy may believe one, and what is behind it the other.
const requireHost: RequestHandler = (req, _res, next) => {
  if (req.httpVersion === '1.1' && req.headers.host === undefined)
    throw wrongHost('An HTTP/1.1 request names its host.', 'This header is missing.');
  if (isThereTwice(req.rawHeaders, 'host')) throw wrongHost('A request names one host.', 'This header is there twice.');
  next();
};

function wrongHost(message: string, what: string): AppError {
  return new AppError('validation_error', message, { details: { fields: { host: what } } });
}

const refuseUnknownRoute: RequestHandler = () => {
  throw new AppError('route_not_found', 'There is no such route. See /docs.');
};
