import type { Request, RequestHandler, Response } from 'express';
import { admitPerson } from './admit-person.ts';
import type { Passing, SessionDeps } from './admit-person.ts';
import type { CheckedKey } from './checked-keys.ts';
import type { RouteOptions } from './guard-shapes.ts';
import type { KeyGuard } from './key-guard.ts';
import { setLimitHeaders } from './limit-headers.ts';
import { keysInQuery, readKey } from './read-key.ts';
import { readSession } from './read-session.ts';
import { judge, refusalOf, sendRefusal, unavailable, verdictOf } from './refusal.ts';
import type { Lease, Operation } from '../shapes.ts';
import type { UsageReport } from './usage-report.ts';

const MAX_USER_AGENT = 256;

type Deps = Pick<KeyGuard, 'peek' | 'ask' | 'now'> &
  SessionDeps & {
    /** Called for each request that was decided from the cache. */
    note: UsageReport['note'];
    release: (lease: string) => void;
  };

/** Creates a handler that passes requests with a valid key on, and answers all others. */
export function guardRequests(
  deps: Deps,
  {
    environment = 'live',
    scopes = [],
    operation = operationOf,
    cost,
    allowQuery = false,
    sessions = false,
  }: RouteOptions,
): RequestHandler {
  const decide = ({ req, res, next, does }: Passing, key: CheckedKey, fromLatchkey: boolean) => {
    const refusal = judge(key, { environment, scopes, operation: does }, deps.now());
    if (!fromLatchkey) deps.note(key.tally, refusal ? verdictOf(refusal) : 'valid', () => originOf(req), scopes);
    if (refusal) return sendRefusal(res, refusal);
    req.apiKey = key.view;
    next();
  };
  const ask = async (passing: Passing, presented: string) => {
    const { req, res, does } = passing;
    const answer = await deps
      .ask(presented, { environment, scopes, operation: does, ...originOf(req), cost: costOf(cost, req) })
      .catch(unavailable);
    if ('status' in answer) return sendRefusal(res, answer);
    const verdict = 'refused' in answer ? answer.refused : answer.verdict;
    if (verdict) setLimitHeaders(res, verdict);
    if ('refused' in answer)
      return sendRefusal(res, refusalOf(answer.refused, { environment, scopes, operation: does }));
    if (verdict?.lease) releaseAtEnd(deps, res, verdict.lease);
    return decide(passing, answer.key, verdict !== undefined);
  };
  return (req, res, next) => {
    const session = sessions === false ? undefined : readSession(req.rawHeaders);
    if (typeof session === 'object') return sendRefusal(res, session);
    const does = typeof operation === 'function' ? operation(req) : operation;
    const passing = { req, res, next, does };
    if (session !== undefined) return admitPerson(deps, passing, { token: session, scopes, sessions });
    const presented = readKey(req.rawHeaders, allowQuery ? keysInQuery(req) : []);
    if (typeof presented !== 'string') return sendRefusal(res, presented);
    const known = deps.peek(presented);
    if (known) return decide(passing, known, false);
    return ask(passing, presented);
  };
}

function originOf(req: Request) {
  return { ip: req.ip, user_agent: req.get('user-agent')?.slice(0, MAX_USER_AGENT) };
}

function costOf(cost: RouteOptions['cost'], req: Request): number | undefined {
  return typeof cost === 'function' ? cost(req) : cost;
}

/** Releases the lease when the answer is sent or the client disconnects. */
function releaseAtEnd({ release }: Pick<Deps, 'release'>, res: Response, { id }: Lease): void {
  if (res.closed) release(id);
  else res.once('close', () => release(id));
}

function operationOf({ method }: Request): Operation {
  if (method === 'GET' || method === 'HEAD') return 'read';
  return method === 'DELETE' ? 'wind_down' : 'create';
}
