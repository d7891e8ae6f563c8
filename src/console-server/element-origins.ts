import type { RequestHandler } from 'express';
import { allowOrigin } from '../http/allow-origin.ts';

type Operation = { path: RegExp; methods: readonly string[] };

/** What `<latchkey-keys>` asks for. Nothing else is open to pages of other origins, least of all verification. */
const OPERATIONS: readonly Operation[] = [
  {
    path: /^\/v1\/(?:me\/session|product|organization|permission-sets|api-keys\/(?:permissions|usage))$/,
    methods: ['GET'],
  },
  { path: /^\/v1\/api-keys$/, methods: ['GET', 'POST'] },
  { path: /^\/v1\/api-keys\/\w{1,64}$/, methods: ['GET', 'PATCH', 'DELETE'] },
  { path: /^\/v1\/api-keys\/\w{1,64}\/rotate$/, methods: ['POST'] },
];
const HEADERS = 'authorization, content-type, idempotency-key';
const READABLE = 'x-request-id, retry-after';
const PREFLIGHT_SECONDS = 600;

/**
 * Lets pages of the configured origins use the operations of the element, with a token. Credentials of the browser are
 * never allowed: a cookie opens nothing from another origin.
 */
export function elementApi(origins: readonly string[]): RequestHandler {
  return (req, res, next) => {
    const isPreflight = req.method === 'OPTIONS';
    const method = isPreflight ? req.get('access-control-request-method') : req.method;
    const operation = OPERATIONS.find(({ path, methods }) => methods.includes(method ?? '') && path.test(req.path));
    if (!operation || !allowOrigin(origins, req, res)) return next();
    res.setHeader('access-control-expose-headers', READABLE);
    if (!isPreflight) return next();
    res.locals['route'] = 'preflight';
    res.setHeader('access-control-allow-methods', operation.methods.join(', '));
    res.setHeader('access-control-allow-headers', HEADERS);
    res.setHeader('access-control-max-age', PREFLIGHT_SECONDS);
    res.status(204).end();
  };
}
