import type { IncomingMessage, ServerResponse } from 'node:http';
import { parse } from 'node:querystring';
import { clientAddress } from '../../ip/client-address.ts';
import { OWN_FORM } from '../../http/envelope.ts';
import type { ErrorForm } from '../../http/envelope.ts';
import { forProxies } from '../../http/error-handler.ts';
import { asciiJson } from '../../http/fast-path/ascii-json.ts';
import { sendJson } from '../../http/fast-path/fast-path.ts';
import type { FastPath } from '../../http/fast-path/fast-path.ts';
import { isThereTwice } from '../../http/server/raw-headers.ts';
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
import { limitHeaders } from '../limit-answer.ts';
import type { MirrorRecord } from '../mirror-record.ts';
import { refusalOf } from '../refusal.ts';
import type { KeyResolver, Resolved } from '../resolve-key.ts';
import type { AppError } from '../../errors.ts';

type Deps = {
  isKey: (presented: string) => boolean;
  /** Whether a `Cookie` header may hold a session: a second credential. */
  mayCarrySession: (cookie: string | undefined) => boolean;
  /** Finds a key in memory alone. */
  peekKey: KeyResolver['peekKey'];
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
type Accepted = { question: Question; record: MirrorRecord; resolved: Resolved; asked: Asked };

/** Other methods are rare, and clients can invent any number of them. */
const METHODS: ReadonlySet<string | undefined> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']);
const BEARER = 'Bearer ';
const MAX_QUERIES = 200;
const MAX_USER_AGENT = 256;
/** What may follow the path: nothing, or a query of printable ASCII without a fragment. */
const USUAL_REST = /^(?:\?[!-"$-~]*)?$/;

/** Answers almost every proxied request: one API key that is in memory and valid for its use. */
export function makeForwardFastPath(deps: Deps): FastPath {
  const { path } = deps.form;
  const queries = makeQueries(path);
  const prepare = makePrepare(deps.form);
  return {
    handles: (method, url) => url.startsWith(path) && METHODS.has(method),
    handle(req, res, pass) {
      const from = performance.now();
      const accepted = accept(deps, req, queries);
      if (!accepted) return pass();
      const { resolved, question } = accepted;
      const answer = (decision: Decision) => send(deps, req, res, { accepted, decision, from, prepare });
      const decision = deps.decide(resolved, question);
      if (decision instanceof Promise) decision.then(answer, pass);
      else answer(decision);
    },
  };
}

function accept(
  { isKey, mayCarrySession, peekKey, judge, trustProxyHops, now }: Deps,
  req: IncomingMessage,
  queries: Queries,
): Accepted | undefined {
  const presented = mayCarrySession(req.headers.cookie) ? undefined : presentedKey(req);
  if (presented === undefined || !isKey(presented)) return undefined;
  const resolved = peekKey(presented);
  // Read last, so that only the holder of a known key can add to the remembered queries.
  const asked = resolved && queries(req.method ?? '', req.url ?? '');
  if (!asked) return undefined;
  const userAgent = req.headers['user-agent']?.slice(0, MAX_USER_AGENT);
  const ip = clientAddress(req, trustProxyHops);
  const question = { ...asked, presented, cost: 1, lease: false, ip, userAgent };
  // The route answers refusals.
  if (judge(resolved.record, question, now()) !== 'valid') return undefined;
  return { question, record: resolved.record, resolved, asked };
}

function presentedKey({ headers, rawHeaders }: IncomingMessage): string | undefined {
  const { authorization, 'x-api-key': key } = headers;
  if (headers.host === undefined || isThereTwice(rawHeaders, 'host')) return undefined;
  if (headers['x-access-token'] !== undefined) return undefined;
  if (hasKeyInQuery(headers)) return undefined;
  if ((headers['content-length'] ?? '0') !== '0' || headers['transfer-encoding'] !== undefined) return undefined;
  if ((authorization === undefined) === (key === undefined)) return undefined;
  if (authorization === undefined) return isThereTwice(rawHeaders, 'x-api-key') ? undefined : String(key);
  if (!authorization.startsWith(BEARER) || isThereTwice(rawHeaders, 'authorization')) return undefined;
  return authorization.slice(BEARER.length);
}

/** Whether the original address carries a credential, which the route reads. */
function hasKeyInQuery(headers: IncomingMessage['headers']): boolean {
  const { 'x-forwarded-uri': forwarded, 'x-original-uri': original, 'x-original-url': url } = headers;
  return namesKey(forwarded) || namesKey(original) || namesKey(url);
}

function namesKey(address: string | string[] | undefined): boolean {
  return address !== undefined && String(address).includes('api_key=');
}

type Prepare = ReturnType<typeof makePrepare>;
type Answer = { accepted: Accepted; decision: Decision; from: number; prepare: Prepare };

function send({ log, form }: Deps, req: IncomingMessage, res: ServerResponse, answer: Answer): void {
  const { accepted, decision, from, prepare } = answer;
  const { record, resolved, asked } = accepted;
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

/** Makes what serializes the answer for a key once. A record is replaced whenever its key changes. */
function makePrepare({ view }: ForwardForm) {
  const prepared = new WeakMap<MirrorRecord, Prepared>();
  return (record: MirrorRecord): Prepared => {
    let known = prepared.get(record);
    if (!known) {
      known = { json: asciiJson(view(record)), headers: headersOfCaller({ ...record, stale: false }).flat() };
      prepared.set(record, known);
    }
    return known;
  };
}

type Refused = ReturnType<ErrorForm['present']>;

function statusOf({ status }: ForwardForm, { mapped }: Asked, refusal?: AppError, refused?: Refused): number {
  if (!refusal || !refused) return status;
  return mapped ? forProxies(refusal, refused.status) : refused.status;
}

type Queries = (method: string, url: string) => Asked | undefined;

/** Reads each query once: a proxy uses few. */
function makeQueries(path: string): Queries {
  const known = new Map<string, Asked | undefined>();
  return (method, url) => {
    const name = method === 'GET' ? url : `${method} ${url}`;
    if (known.has(name)) return known.get(name);
    const asked = readQuery(method, url.slice(path.length));
    if (known.size < MAX_QUERIES) known.set(name, asked);
    return asked;
  };
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
