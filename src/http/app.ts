import express from 'express';
import type { RequestHandler } from 'express';
import helmet from 'helmet';
import type { RequestListener } from 'node:http';
import type { Logger } from 'pino';
import { AppError } from '../errors.ts';
import { clientAddress } from '../ip/client-address.ts';
import type { ErrorForm } from './envelope.ts';
import { makeErrorHandler } from './error-handler.ts';
import { withFastPaths } from './fast-path/fast-path.ts';
import type { FastPath } from './fast-path/fast-path.ts';
import { mountRoutes } from './mount.ts';
import type { Guards } from './mount.ts';
import { isThereTwice } from './server/raw-headers.ts';
import { assignRequestId } from './request-id.ts';
import type { Route } from './route.ts';

type Deps = {
  fastPaths: readonly FastPath[];
  routes: readonly Route[];
  guards: Guards;
  /** Run for every request, in this order: logs, metrics. */
  observers: readonly RequestHandler[];
  /** Pages that are no JSON route: metrics, documents. */
  pages: readonly RequestHandler[];
  log: Logger;
  isDatabaseUnavailable: (error: unknown) => boolean;
  strict: boolean;
  /** How errors below a path are answered, of unknown routes as well. */
  errorForm: { below: string; form: ErrorForm } | undefined;
  /** How many proxies in front of this service may name the client's address. */
  trustProxyHops: number;
};

export function makeApp({
  fastPaths,
  routes,
  guards,
  observers,
  pages,
  log,
  isDatabaseUnavailable,
  strict,
  errorForm,
  trustProxyHops,
}: Deps): RequestListener {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  // No answer is stored, so none is fresh: a proxy's `If-None-Match: *` would turn a 200 into a 304.
  Object.defineProperty(app.request, 'fresh', { value: false });
  app.set('trust proxy', trustProxyHops);
  // Express would take the proxy's text as it is, with a port or in brackets.
  Object.defineProperty(app.request, 'ip', {
    configurable: true,
    get(this: express.Request) {
      return clientAddress(this, trustProxyHops);
    },
  });
  const onFastPath = new Set<string>(routes.filter(({ fastPath }) => fastPath).map(({ path }) => path));
  if (errorForm) app.use(chooseForm(errorForm));
  app.use(assignRequestId, ...observers, secureExcept(onFastPath), noStore, requireHost);
  for (const page of pages) app.use(page);
  app.use(mountRoutes(routes, { ...guards, strict }));
  app.use(refuseUnknownRoute);
  app.use(makeErrorHandler({ log, isDatabaseUnavailable }));
  return withFastPaths(app, fastPaths);
}

function chooseForm({ below, form }: NonNullable<Deps['errorForm']>): RequestHandler {
  return (req, res, next) => {
    if (req.path === below || req.path.startsWith(`${below}/`)) res.locals['form'] = form;
    next();
  };
}

/** Sets helmet's headers, except on fast paths: services and proxies use those, and ignore headers for browsers. */
function secureExcept(fastPaths: ReadonlySet<string>): RequestHandler {
  const secure = helmet();
  return (req, res, next) => {
    if (!fastPaths.has(req.path)) return secure(req, res, next);
    res.setHeader('x-content-type-options', 'nosniff');
    next();
  };
}

// Answers carry secrets and permissions, which no cache may store.
const noStore: RequestHandler = (_req, res, next) => {
  res.setHeader('cache-control', 'no-store');
  next();
};

// RFC 9112, section 3.2. With two Host headers, a proxy could route by one and a server behind it by the other.
const requireHost: RequestHandler = (req, _res, next) => {
  if (req.httpVersion === '1.1' && req.headers.host === undefined)
    throw wrongHost('An HTTP/1.1 request needs a Host header.', 'This header is missing.');
  if (isThereTwice(req.rawHeaders, 'host'))
    throw wrongHost('A request needs exactly one Host header.', 'This header is sent twice.');
  next();
};

function wrongHost(message: string, what: string): AppError {
  return new AppError('validation_error', message, { details: { fields: { host: what } } });
}

const refuseUnknownRoute: RequestHandler = () => {
  throw new AppError('route_not_found', 'There is no such route. See /docs.');
};
