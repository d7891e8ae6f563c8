import type { IncomingMessage, ServerResponse } from 'node:http';
import { clientAddress } from '../http/client-address.ts';
import { envelope } from '../http/envelope.ts';
import { asciiJson, sendJson } from '../http/fast-lane.ts';
import type { FastLane } from '../http/fast-lane.ts';
import { REQUEST_ID_HEADER, newRequestId } from '../http/request-id.ts';
import type { Decide, Decision, Question } from './decide.ts';
import { FORWARD_PATH, ForwardQuery, headersOfCaller, operationOf, viewOfCaller } from './forward-auth-routes.ts';
import type { Judge, Use } from './judge.ts';
import type { LaneLog } from './lane-log.ts';
import { limitError, limitHeaders } from './limit-answer.ts';
import type { MirrorRecord } from './mirror-record.ts';
import type { KeyResolver, Resolved } from './resolve-key.ts';
import { isThereTwice } from './verify-lane.ts';

type Deps = {
  keyPrefixes: readonly string[];
  /** What memory knows of a key, without asking anybody. */
  peekKey: KeyResolver['peekKey'];
  judge: Judge;
  decide: Decide;
  note: LaneLog;
  trustProxyHops: number;
  now: () => Date;
};

type Asked = Omit<Use, 'ip'> & { mapped: boolean };
type Accepted = { question: Question; record: MirrorRecord; resolved: Resolved; asked: Asked };

/** Others are rare, and the client's to invent. */
const METHODS: ReadonlySet<string | undefined> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']);
const BEARER = 'Bearer ';
const MAX_QUERIES = 200;
const MAX_USER_AGENT = 256;

/** The way of almost every proxied request: one API key that is in memory, and good for what is asked. */
export function makeForwardLane(deps: Deps): FastLane {
  const queries = makeQueries();
  return {
    handles: (method, url) => url.startsWith(FORWARD_PATH) && METHODS.has(method),
    handle(req, res, pass) {
      const from = performance.now();
      const accepted = accept(deps, req, queries(req.method ?? '', req.url ?? ''));
      if (!accepted) return pass();
      const { resolved, question } = accepted;
      const answer = (decision: Decision) => send(deps, req, res, { accepted, decision, from });
      const decision = deps.decide(resolved, question);
      if (decision instanceof Promise) decision.then(answer, pass);
      else answer(decision);
    },
  };
}

function accept(
  { keyPrefixes, peekKey, judge, trustProxyHops, now }: Deps,
  req: IncomingMessage,
  asked?: Asked,
): Accepted | undefined {
  const presented = asked && presentedKey(req);
  if (!asked || presented === undefined || !keyPrefixes.some((prefix) => presented.startsWith(prefix)))
    return undefined;
  const resolved = peekKey(presented);
  if (!resolved) return undefined;
  const userAgent = req.headers['user-agent']?.slice(0, MAX_USER_AGENT);
  const ip = clientAddress(req, trustProxyHops);
  const question = { ...asked, presented, cost: 1, lease: false, ip, userAgent };
  // What is refused, is refused by the route.
  if (judge(resolved.record, question, now()) !== 'valid') return undefined;
  return { question, record: resolved.record, resolved, asked };
}

function presentedKey({ headers, rawHeaders }: IncomingMessage): string | undefined {
  const { authorization, 'x-api-key': key, cookie } = headers;
  if (headers.host === undefined || headers['x-access-token'] !== undefined || cookie?.includes('wos_session'))
    return undefined;
  if (hasKeyInQuery(headers)) return undefined;
  if ((headers['content-length'] ?? '0') !== '0' || headers['transfer-encoding'] !== undefined) return undefined;
  if ((authorization === undefined) === (key === undefined)) return undefined;
  if (authorization === undefined) return isThereTwice(rawHeaders, 'x-api-key') ? undefined : String(key);
  if (!authorization.startsWith(BEARER) || isThereTwice(rawHeaders, 'authorization')) return undefined;
  return authorization.slice(BEARER.length);
}

/** A credential besides, or in place of, the one in a header: the route looks. */
function hasKeyInQuery(headers: IncomingMessage['headers']): boolean {
  const { 'x-forwarded-uri': forwarded, 'x-original-uri': original, 'x-original-url': url } = headers;
  return isWithKey(forwarded) || isWithKey(original) || isWithKey(url);
}

function isWithKey(address: string | string[] | undefined): boolean {
  return address !== undefined && String(address).includes('api_key=');
}

type Answer = { accepted: Accepted; decision: Decision; from: number };

function send({ note }: Deps, req: IncomingMessage, res: ServerResponse, { accepted, decision, from }: Answer): void {
  const { record, asked } = accepted;
  const { taken } = decision;
  const requestId = newRequestId();
  const headers = [REQUEST_ID_HEADER, requestId, ...(taken ? limitHeaders(taken).flat() : [])];
  const refusal = taken?.refused === undefined ? undefined : limitError(taken);
  const status = refusal ? (asked.mapped ? 403 : refusal.status) : 200;
  const { organizationId, keyId, environment, label, permissionSet, ownerUserId, scopes } = record;
  const what = { organizationId, keyId, environment, label, permissionSet, ownerUserId, scopes };
  const caller = { kind: 'api_key' as const, ...what };
  const sent = () => note({ method: req.method ?? 'GET', status, requestId, caller, decision, from });
  if (refusal) sendJson(res, { status, json: asciiJson(envelope(refusal, requestId)), headers, sent });
  else {
    const { json, headers: ofKey } = preparedAnswer(record);
    sendJson(res, { status, json, headers: [...ofKey, ...headers], sent });
  }
}

type Prepared = { json: string; headers: string[] };
// Goes with the record, which is replaced whenever the key changes.
const prepared = new WeakMap<MirrorRecord, Prepared>();

function preparedAnswer(record: MirrorRecord): Prepared {
  let known = prepared.get(record);
  if (!known) {
    known = { json: asciiJson(viewOfCaller(record)), headers: headersOfCaller(record).flat() };
    prepared.set(record, known);
  }
  return known;
}

/** What an address asks for; a proxy asks at few addresses, each of which is read once. */
function makeQueries(): (method: string, url: string) => Asked | undefined {
  const known = new Map<string, Asked | undefined>();
  return (method, url) => {
    const name = method === 'GET' ? url : `${method} ${url}`;
    if (known.has(name)) return known.get(name);
    const asked = readQuery(method, url);
    if (known.size < MAX_QUERIES) known.set(name, asked);
    return asked;
  };
}

function readQuery(method: string, url: string): Asked | undefined {
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  const names = [...searchParams.keys()];
  if (pathname !== FORWARD_PATH || new Set(names).size < names.length) return undefined;
  const query = ForwardQuery.safeParse(Object.fromEntries(searchParams)).data;
  return (
    query && {
      environment: query.environment,
      scopes: query.scope,
      operation: query.operation ?? operationOf(method),
      mapped: query.map !== undefined,
    }
  );
}
