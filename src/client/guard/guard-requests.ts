import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { CheckedKey } from './checked-keys.ts';
import type { KeyGuard } from './key-guard.ts';
import { tellLimits } from './limit-headers.ts';
import { keysInQuery, readKey } from './read-key.ts';
import { judge, refusalOf, sendRefusal, unavailable, verdictOf } from './refusal.ts';
import type { Lease, Operation, WantedEnvironment } from '../shapes.ts';
import type { UsageReport } from './usage-report.ts';

/** What a route asks of a key. */
export type RouteOptions = {
  /** All of these are needed; none, unless said. */
  scopes?: readonly string[] | undefined;
  /** Keys of which environment are good; `live` unless said, so that a test key never opens what a live one does. */
  environment?: WantedEnvironment | undefined;
  /** What the request does, as billing sees it. Unless said: GET and HEAD read, DELETE winds down, all else creates. */
  operation?: Operation | ((req: Request) => Operation) | undefined;
  /** How many requests this counts as, where the key's rate is limited; 1 unless said. */
  cost?: number | ((req: Request) => number) | undefined;
  /** Whether a GET that accepts `text/event-stream` may bring its key as `?api_key=`; no, unless said. */
  allowQuery?: boolean | undefined;
};

const MAX_USER_AGENT = 256;

type Deps = Pick<KeyGuard, 'peek' | 'ask' | 'now'> & {
  /** Told of requests that were judged here. */
  note: UsageReport['note'];
  release: (lease: string) => void;
};

type Passing = { req: Request; res: Response; next: NextFunction; does: Operation };

/** A handler that lets requests with a good key pass, and answers all others. */
export function guardRequests(
  deps: Deps,
  { environment = 'live', scopes = [], operation = operationOf, cost, allowQuery = false }: RouteOptions,
): RequestHandler {
  const pass = ({ req, res, next, does }: Passing, key: CheckedKey, wasAsked: boolean) => {
    const refusal = judge(key, { environment, scopes, operation: does }, deps.now());
    if (!wasAsked) deps.note(key.tally, refusal ? verdictOf(refusal) : 'valid', () => originOf(req));
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
    if (verdict) tellLimits(res, verdict);
    if ('refused' in answer)
      return sendRefusal(res, refusalOf(answer.refused, { environment, scopes, operation: does }));
    if (verdict?.lease) releaseAtEnd(deps, res, verdict.lease);
    return pass(passing, answer.key, verdict !== undefined);
  };

  return (req, res, next) => {
    const presented = readKey(req.rawHeaders, allowQuery ? keysInQuery(req) : []);
    if (typeof presented !== 'string') return sendRefusal(res, presented);
    const does = typeof operation === 'function' ? operation(req) : operation;
    const passing = { req, res, next, does };
    const known = deps.peek(presented);
    if (known) return pass(passing, known, false);
    return ask(passing, presented);
  };
}

function originOf(req: Request) {
  return { ip: req.ip, user_agent: req.get('user-agent')?.slice(0, MAX_USER_AGENT) };
}

function costOf(cost: RouteOptions['cost'], req: Request): number | undefined {
  return typeof cost === 'function' ? cost(req) : cost;
}

/** The key's place is free again when the answer has gone out, or the client has gone. */
function releaseAtEnd({ release }: Pick<Deps, 'release'>, res: Response, { id }: Lease): void {
  if (res.closed) release(id);
  else res.once('close', () => release(id));
}

function operationOf({ method }: Request): Operation {
  if (method === 'GET' || method === 'HEAD') return 'read';
  return method === 'DELETE' ? 'wind_down' : 'create';
}
