import type { RequestHandler } from 'express';
import { allowOrigin } from '../http/allow-origin.ts';
import type { Route } from '../http/route.ts';
import type { ApiRules } from '../product/api/api-rules.ts';

type Rules = NonNullable<ApiRules['cors']>;
type Place = { path: RegExp; methods: string[] };

const HEADERS = 'authorization, content-type, idempotency-key, x-access-token, x-api-key';
const READABLE = 'x-request-id, retry-after, ratelimit, ratelimit-policy';
const PREFLIGHT_SECONDS = 600;

/**
 * Lets pages of the configured origins use the product's operations. Those for services and proxies stay closed to them.
 * Names the origin on errors as well, so that a page can read them.
 */
export function allowPages({ origins, credentials }: Rules, routes: readonly Route[]): RequestHandler {
  const places = placesOf(routes.filter(({ access }) => access.kind === 'tenant' || access.kind === 'public'));
  return (req, res, next) => {
    const place = places.find(({ path }) => path.test(req.path));
    if (!place || !allowOrigin(origins, req, res)) return next();
    if (credentials) res.setHeader('access-control-allow-credentials', 'true');
    res.setHeader('access-control-expose-headers', READABLE);
    if (req.method !== 'OPTIONS' || req.get('access-control-request-method') === undefined) return next();
    res.locals['route'] = 'preflight';
    res.setHeader('access-control-allow-methods', place.methods.join(', '));
    res.setHeader('access-control-allow-headers', HEADERS);
    res.setHeader('access-control-max-age', PREFLIGHT_SECONDS);
    res.status(204).end();
  };
}

function placesOf(routes: readonly Route[]): Place[] {
  const byPath = Map.groupBy(routes, ({ path }) => path);
  return [...byPath].map(([path, group]) => ({
    path: new RegExp(
      `^${path
        .split(/\{\w+\}/)
        .map(escape)
        .join('[^/]+')}/?$`,
    ),
    methods: group.map(({ method }) => method.toUpperCase()),
  }));
}

/** Paths have letters, digits and `-._~/` alone; of these only the dot means something in a pattern. */
function escape(text: string): string {
  return text.replaceAll('.', String.raw`\.`);
}
