import { Router } from 'express';
import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import { readJsonBody, readSignedBody, refuseLargeBody } from './server/body.ts';
import { originOf } from './caller.ts';
import type { ApiKeyCaller, Caller, CallerOrigin, OrganizationCaller } from './caller.ts';
import { hasCookieAlone } from './server/cookie-alone.ts';
import { asciiJson } from './fast-path/ascii-json.ts';
import { throwKeptFailure } from './fast-path/kept-failure.ts';
import { isCsv, sendCsv } from './server/csv-stream.ts';
import type { CsvStream } from './server/csv-stream.ts';
import { isEventStream, sendStream } from './server/event-stream.ts';
import type { EventStream } from './server/event-stream.ts';
import { assertImpersonated } from './impersonation.ts';
import { requestIdOf } from './request-id.ts';
import { belongsToOrganization, errorCodesOf, successOf } from './route.ts';
import type { BillingClass, FindForwardedKey, RequestContext, Route } from './route.ts';
import { sendJson } from './server/send-json.ts';
import { ifUnsent, whenClosed } from './server/unsent.ts';
import { refuseProto, validate } from './validate.ts';

export type Guards = {
  /** @throws AppError `database_unavailable` while the database has not shown itself to be the primary */
  assertCurrent(): void;
  /**
   * Identifies the caller by the credential: an API key by `findKey`, if that is given.
   * @throws AppError 401
   */
  authenticate(req: Request, keyInQuery?: 'own' | 'forwarded', findKey?: FindForwardedKey): Promise<Caller>;
  /** Judges the caller's address. @throws AppError `ip_not_allowed` */
  assertAddress(caller: OrganizationCaller, address: string | undefined): Promise<void>;
  /** Counts a request with an API key. @throws AppError 429 */
  admitKey(caller: ApiKeyCaller, setHeader: (name: string, value: string) => void): Promise<void>;
  /** Records the outcome of a request with an API key. */
  keyAnswered(caller: ApiKeyCaller, refusal: AppError | undefined, from: CallerOrigin, scopes: readonly string[]): void;
  /** The acts that the product permits to an impersonator. */
  impersonatedMay: ReadonlySet<string>;
  /** Judges the tenant's billing. @throws AppError 423 */
  assertBilling(caller: OrganizationCaller, billing: BillingClass): Promise<void>;
  /** Takes a slot for an export, and returns how to give it back. @throws AppError `concurrency_limited` */
  takeExport(organizationId: string): () => void;
};

type Options = Guards & {
  /** In tests: an error code that the route does not declare becomes a 500. */
  strict: boolean;
};

const Nothing = z.strictObject({});

export function mountRoutes(routes: readonly Route[], options: Options): Router {
  const router = Router({ caseSensitive: true });
  // Express takes the first path that matches, so fixed paths come before those with parameters.
  const byPath = Map.groupBy(routes, (route) => expressPath(route.path));
  const fixedFirst = [...byPath].toSorted(([a], [b]) => Number(a.includes(':')) - Number(b.includes(':')));
  for (const [path, group] of fixedFirst) {
    for (const route of group) router[methodOf(route)](path, handler(route, options));
    router.all(path, refuseMethod(group));
  }
  return router;
}

function methodOf({ method, access }: Route): Route['method'] | 'all' {
  return access.kind === 'forwarded' ? 'all' : method;
}

function handler(route: Route, options: Options): RequestHandler {
  const declared = errorCodesOf(route);
  return async (req, res, next) => {
    if (route.cookieOnly && !hasCookieAlone(req)) return next('router');
    res.locals['route'] = route.path;
    try {
      await answer(route, options, req, res);
      noteKey(route, options, req, res, undefined);
    } catch (error) {
      noteKey(route, options, req, res, error instanceof AppError ? error : undefined);
      if (route.access.kind === 'signed' && error instanceof AppError && error.status < 500)
        route.access.refused?.(error, { requestId: requestIdOf(res), header: (name) => req.get(name) });
      if (options.strict && error instanceof AppError && !declared.has(error.code)) {
        throw new Error(`${route.operationId} answered the undeclared code '${error.code}'`, { cause: error });
      }
      throw error;
    }
  };
}

function noteKey(route: Route, guards: Guards, req: Request, res: Response, refusal: AppError | undefined): void {
  const caller = res.locals['caller'] as Caller | undefined;
  if (caller?.kind === 'api_key' && route.access.kind !== 'forwarded')
    guards.keyAnswered(caller, refusal, originOf(req), scopeUsed(route, caller));
}

/** The first of a route's alternatives that a caller holds. */
function scopeUsed({ access }: Route, caller: Caller): readonly string[] {
  const held = 'scope' in access ? access.scope.find((scope) => caller.scopes.has(scope)) : undefined;
  return held === undefined ? [] : [held];
}

// The order is part of the contract: credential, address, environment, rate, scope and organization, billing, then the
// input.
async function answer(route: Route, guards: Guards, req: Request, res: Response): Promise<void> {
  const { organization_id: named, ...query } = queryOf(route, req);
  const signed = route.access.kind === 'signed' ? await readSignedBody(req, res, route.access) : undefined;
  const isOpen = route.access.kind === 'public' || route.access.kind === 'signed';
  res.locals['mapRefusals'] = route.access.kind === 'forwarded' && query['map'] === '403';
  if (!isOpen && !judgesItself(route)) guards.assertCurrent();
  const findKey = route.access.kind === 'forwarded' ? orKeptFailure(req, route.access.findKey) : undefined;
  const caller = isOpen ? undefined : await guards.authenticate(req, keyPlaceOf(route), findKey);
  if (caller) {
    res.locals['caller'] = caller;
    if (!findKey || caller.kind !== 'api_key') await admitCaller(guards, caller, req, res);
    if (findKey && caller.kind === 'user') guards.assertCurrent();
    await admit(route, guards, caller, { named, hostname: req.hostname, sessions: query['sessions'] === 'true' });
  }
  const { status, schema } = successOf(route);
  if (isCsv(schema) && caller && caller.kind !== 'service') whenClosed(res, guards.takeExport(caller.organizationId));
  throwKeptFailure(req);
  const result = await route.handle({
    caller,
    params: validate(route.params ?? Nothing, req.params, 'path'),
    query: validate(route.query ?? Nothing, belongsToOrganization(route) ? query : req.query, 'query'),
    body: signed === undefined ? await readBody(route, req, res) : validate(route.body ?? Nothing, signed(), 'body'),
    context: contextOf(req, res),
  });
  if (route.mayBeEmpty && result === undefined) res.status(204).end();
  else if (isEventStream(schema)) sendStream(res, req.method, result as EventStream);
  else if (isCsv(schema)) await sendCsv(res, req.method, result as CsvStream);
  else if (route.fastPath)
    res
      .status(status)
      .type('json')
      .send(asciiJson(schema.parse(result)));
  else await sendJson(req, res, status, schema.parse(result));
}

function orKeptFailure(req: Request, findKey: FindForwardedKey): FindForwardedKey {
  return async (...asked) => {
    throwKeptFailure(req);
    return findKey(...asked);
  };
}

/** Judges the caller's address, and the environment and rate of an API key. */
async function admitCaller(guards: Guards, caller: Caller, req: Request, res: Response): Promise<void> {
  if (caller.kind !== 'service') await guards.assertAddress(caller, req.ip);
  if (caller.kind !== 'api_key') return;
  // Test keys may not touch live data.
  if (caller.environment === 'test')
    throw new AppError('permission_denied', 'A test key cannot do this. Use a live key.', {
      details: { environment: 'test', required_environment: 'live' },
    });
  await guards.admitKey(caller, (name, value) => res.setHeader(name, value));
}

/** Verification may answer from memory without a current database, if the operator configures it. */
function judgesItself({ access }: Route): boolean {
  return access.kind === 'service' ? access.machines : access.kind === 'forwarded';
}

/** Where a key may be besides headers: in the query string of a request for an event stream. */
function keyPlaceOf(route: Route): 'own' | 'forwarded' | undefined {
  const { access } = route;
  if (access.kind === 'forwarded') return 'forwarded';
  const takesKeys = access.kind === 'tenant' && access.callers.includes('api_key');
  return takesKeys && isEventStream(successOf(route).schema) ? 'own' : undefined;
}

/** Returns the query without a key in it, which is a credential and no input. */
function queryOf(route: Route, req: Request): Request['query'] {
  if (keyPlaceOf(route) !== 'own') return req.query;
  const { api_key: _key, ...query } = req.query;
  return query;
}

type Asked = { named: unknown; hostname: string; sessions: boolean };

async function admit(
  route: Route,
  guards: Guards,
  caller: Caller,
  { named, hostname, sessions }: Asked,
): Promise<void> {
  const { access } = route;
  if (access.kind === 'public' || access.kind === 'signed') return;
  if (access.kind === 'service') {
    if (caller.kind !== 'service' && !(access.machines && caller.kind === 'machine'))
      throw denied('This route needs a service token.');
    assertScope(access.scope, caller);
    return;
  }
  if (caller.kind === 'service') throw denied('This route needs a credential of an organization, not a service token.');
  const callers: readonly Caller['kind'][] =
    access.kind === 'forwarded' ? (sessions ? ['api_key', 'user'] : ['api_key']) : access.callers;
  if (!callers.includes(caller.kind)) throw denied(callerRefusal(caller));
  if (access.kind === 'forwarded') return assertNamed(named, caller);
  assertScope(access.scope, caller);
  assertImpersonated(caller, access.impersonated, guards.impersonatedMay);
  assertNamed(named, caller);
  await route.assertHost?.(hostname, caller);
  await guards.assertBilling(caller, access.billing);
}

function assertNamed(named: unknown, { organizationId }: OrganizationCaller): void {
  if (named !== undefined && named !== organizationId) throw denied('The credential belongs to another organization.');
}

function assertScope(anyOf: readonly string[], caller: Caller): void {
  if (anyOf.length === 0 || anyOf.some((scope) => caller.scopes.has(scope))) return;
  throw new AppError('permission_denied', `This needs the scope ${anyOf.join(' or ')}.`, {
    details: { required_scopes: anyOf },
  });
}

function callerRefusal({ kind }: OrganizationCaller): string {
  if (kind === 'api_key') return 'An API key cannot do this. Sign in, or use a machine token.';
  if (kind === 'ci') return 'A CI session cannot do this. It creates, shows and revokes the keys of its policy.';
  return 'This kind of credential cannot use this route.';
}

function denied(message: string): AppError {
  return new AppError('permission_denied', message);
}

async function readBody(route: Route, req: Request, res: Response): Promise<unknown> {
  if (route.body) {
    const sent = await readJsonBody(req, res, route.maxBodyBytes);
    const body = validate(route.body, sent, 'body');
    refuseProto(sent);
    return body;
  }
  refuseLargeBody(req);
  return undefined;
}

function contextOf(req: Request, res: Response): RequestContext {
  return {
    requestId: requestIdOf(res),
    method: req.method,
    ...originOf(req),
    idempotencyKey: req.get('idempotency-key'),
    lastEventId: req.get('last-event-id'),
    messageId: req.get('webhook-id'),
    setHeader: (name, value) => res.setHeader(name, value),
    ifUnsent: (then) => ifUnsent(res, then),
    header: (name) => req.get(name),
    describe: (fields) => {
      res.locals['described'] = { ...(res.locals['described'] as object | undefined), ...fields };
    },
  };
}

function refuseMethod(routes: readonly Route[]): RequestHandler {
  const allowed = routes
    .flatMap(({ method }) => (method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()]))
    .join(', ');
  return (req, res, next) => {
    if (routes.every(({ cookieOnly }) => cookieOnly) && !hasCookieAlone(req)) return next('router');
    res.locals['route'] = routes[0]?.path;
    res.setHeader('allow', allowed);
    throw new AppError('method_not_allowed', `This path takes only ${allowed}.`);
  };
}

function expressPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}
