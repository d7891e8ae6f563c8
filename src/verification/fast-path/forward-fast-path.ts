import type { IncomingMessage, ServerResponse } from 'node:http';
import { parse } from 'node:querystring';
import { clientAddress } from '../../ip/client-address.ts';
import { OWN_FORM } from '../../http/envelope.ts';
import type { ErrorForm } from '../../http/envelope.ts';
import { forProxies } from '../../http/error-handler.ts';
import { asciiJson } from '../../http/fast-path/ascii-json.ts';
import { sendJson } from '../../http/fast-path/fast-path.ts';
import type { FastPath } from '../../http/fast-path/fast-path.ts';
import { REQUEST_ID_HEADER, newRequestId } from '../../http/request-id.ts';
import type { Decide, Decision, Question } from '../decide.ts';
import {
  FORWARD_PATH,
  ForwardQuery,
  STALE,
  headersOfCaller,
  operationOf,
  viewOfCaller,
} from '../forward/forward-auth-routes.ts';
import type { Judge, Use } from '../judge.ts';
import type { FastPathLog } from './fast-path-log.ts';
import { makeRecentAnswers } from './recent-answers.ts';
import { limitHeaders } from '../limit-answer.ts';
import type { MirrorRecord } from '../mirror-record.ts';
import { refusalOf } from '../refusal.ts';
import type { Resolved } from '../resolve-key.ts';
import { whenLookedUp } from './look-up-key.ts';
import type { LookUpKey } from './look-up-key.ts';
import { usualKey } from './usual-key.ts';
import type { AppError } from '../../errors.ts';

type Deps = {
  isKey: (presented: string) => boolean;
  /** Whether a `Cookie` header may hold a session: a second credential. */
  mayCarrySession: (cookie: string | undefined) => boolean;
  lookUpKey: LookUpKey;
  judge: Judge;
  decide: Decide;
  log: FastPathLog;
  trustProxyHops: number;
  now: () => Date;
  form: ForwardForm;
};

/** Where a proxy asks, and how it is answered. */
export type ForwardForm = {
  path: string;
  status: number;
  view: (record: MirrorRecord) => object;
  errorForm: ErrorForm;
};

/** Latchkey's own form. */
export const OWN_FORWARD_FORM: ForwardForm = {
  path: FORWARD_PATH,
  status: 200,
  view: viewOfCaller,
  errorForm: OWN_FORM,
};

type Asked = Omit<Use, 'ip'> & { mapped: boolean };
type Presented = { question: Question; asked: Asked };
type Accepted = Presented & { resolved: Resolved };

/** Other methods are rare, and clients can invent any number of them. */
const METHODS: ReadonlySet<string | undefined> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']);
const MAX_QUERIES = 200;
const MAX_USER_AGENT = 256;
/** What may follow the path: nothing, or a query of printable ASCII without a fragment. */
const USUAL_REST = /^(?:\?[!-"$-~]*)?$/;

/** Answers almost every proxied request: one API key that is in memory or in the mirror, and valid for its use. */
export function makeForwardFastPath(deps: Deps): FastPath {
  const { path } = deps.form;
  const queries = makeQueries(path);
  const prepare = makePrepare(deps.form);
  return {
    handles: (method, url) => url.startsWith(path) && METHODS.has(method),
    handle(req, res, pass) {
      const from = performance.now();
      const presented = read(deps, req, queries);
      if (!presented) return pass();
      const { question } = presented;
      const decideOn = (resolved: Resolved | undefined) => {
        // The route answers refusals.
        if (!resolved || deps.judge(resolved.record, question, deps.now()) !== 'valid') return pass();
        queries.remember(req);
        const accepted = { ...presented, resolved };
        const answer = (decision: Decision) => send(deps, req, res, { accepted, decision, from, prepare });
        const decision = deps.decide(resolved, question);
        if (decision instanceof Promise) decision.then(answer, pass);
        else answer(decision);
      };
      const found = deps.lookUpKey(question.presented, { address: question.ip }, req);
      if (found instanceof Promise) whenLookedUp(found, decideOn, { req, res, passOn: pass, failed: deps.log.failed });
      else decideOn(found);
    },
  };
}

/** Returns the key and question of a usual request. */
function read(
  { isKey, mayCarrySession, trustProxyHops }: Deps,
  req: IncomingMessage,
  queries: Queries,
): Presented | undefined {
  const presented = mayCarrySession(req.headers.cookie) ? undefined : usualKey(req);
  if (presented === undefined || !isKey(presented)) return undefined;
  const asked = queries.read(req);
  if (!asked) return undefined;
  const userAgent = req.headers['user-agent']?.slice(0, MAX_USER_AGENT);
  const ip = clientAddress(req, trustProxyHops);
  return { question: { ...asked, presented, cost: 1, lease: false, ip, userAgent }, asked };
}

type Prepare = ReturnType<typeof makePrepare>;
type Answer = { accepted: Accepted; decision: Decision; from: number; prepare: Prepare };

function send({ log, form }: Deps, req: IncomingMessage, res: ServerResponse, answer: Answer): void {
  const { accepted, decision, from, prepare } = answer;
  const { resolved, asked } = accepted;
  const { record } = resolved;
  const { taken } = decision;
  const requestId = newRequestId();
  const headers = [REQUEST_ID_HEADER, requestId, ...(taken ? limitHeaders(taken).flat() : [])];
  // Time has passed since the request was accepted: only the decision counts.
  const refusal = refusalOf(decision, accepted.question);
  const refused = refusal && form.errorForm.present(refusal, { requestId, caller: 'api_key' });
  const status = statusOf(form, asked, refusal, refused);
  const { organizationId, keyId, environment, label, permissionSet, ownerUserId, scopes } = record;
  const key = { organizationId, keyId, environment, label, permissionSet, ownerUserId, scopes, stale: resolved.stale };
  const caller = { kind: 'api_key' as const, ...key };
  const { failed } = log;
  const sent = () => log.answered({ method: req.method ?? 'GET', status, requestId, caller, decision, req, from });
  if (refused) sendJson(res, { status, json: asciiJson(refused.body), headers, sent, failed });
  else {
    const { json, headers: ofKey } = prepare(record);
    sendJson(res, { status, json, headers: [...ofKey, ...(resolved.stale ? STALE : []), ...headers], sent, failed });
  }
}

type Prepared = { json: string; headers: string[] };

/** Makes what serializes the answer for a key. */
function makePrepare({ view }: ForwardForm) {
  return makeRecentAnswers<Prepared>((record) => ({
    json: asciiJson(view(record)),
    headers: headersOfCaller({ ...record, stale: false }).flat(),
  }));
}

type Refused = ReturnType<ErrorForm['present']>;

function statusOf({ status }: ForwardForm, { mapped }: Asked, refusal?: AppError, refused?: Refused): number {
  if (!refusal || !refused) return status;
  return mapped ? forProxies(refusal, refused.status) : refused.status;
}

type Queries = ReturnType<typeof makeQueries>;

/** Reads each query once: a proxy uses few. Only the holder of a good key can add to those that are remembered. */
function makeQueries(path: string) {
  const known = new Map<string, Asked>();
  const readNew = ({ method = '', url = '' }: IncomingMessage) => readQuery(method, url.slice(path.length));
  return {
    read: (req: IncomingMessage): Asked | undefined => known.get(nameOfQuery(req)) ?? readNew(req),

    remember(req: IncomingMessage): void {
      const name = nameOfQuery(req);
      const asked = known.has(name) || known.size >= MAX_QUERIES ? undefined : readNew(req);
      if (asked) known.set(name, asked);
    },
  };
}

function nameOfQuery({ method, url = '' }: IncomingMessage): string {
  return method === 'GET' ? url : `${method} ${url}`;
}

/** @param rest what follows the path */
function readQuery(method: string, rest: string): Asked | undefined {
  if (!USUAL_REST.test(rest)) return undefined;
  // As Express reads it. A repeated parameter becomes a list, which the schema refuses.
  const query = ForwardQuery.safeParse({ ...parse(rest.slice(1)) }).data;
  return (
    query && {
      environment: query.environment,
      scopes: query.scope,
      operation: query.operation ?? operationOf(method),
      mapped: query.map !== undefined,
    }
  );
}
