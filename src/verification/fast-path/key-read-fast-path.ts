import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../clock.ts';
import type { AppError } from '../../errors.ts';
import { originAt } from '../../http/caller.ts';
import type { ApiKeyCaller, CallerOrigin } from '../../http/caller.ts';
import type { ErrorForm } from '../../http/envelope.ts';
import { utf8Json } from '../../http/fast-path/ascii-json.ts';
import { sendJson } from '../../http/fast-path/fast-path.ts';
import type { FastPath, FlatHeaders } from '../../http/fast-path/fast-path.ts';
import { secureHeaders } from '../../http/fast-path/secure-headers.ts';
import { REQUEST_ID_HEADER, newRequestId } from '../../http/request-id.ts';
import { COMPRESSED_FROM_BYTES } from '../../http/server/send-json.ts';
import { clientAddress } from '../../ip/client-address.ts';
import type { Taken } from '../../limits/limiter.ts';
import type { Operation, Policy } from '../../tenants/posture.ts';
import { isFromAllowed } from '../judge.ts';
import type { KeyCallers } from '../key-callers.ts';
import { limitError, limitHeaders } from '../limit-answer.ts';
import type { PresentedKey } from '../presented-key.ts';
import type { FastPathLog } from './fast-path-log.ts';
import { makeRecentAnswers } from './recent-answers.ts';
import { usualKey } from './usual-key.ts';

type Deps = {
  isKey: (presented: string) => boolean;
  /** Whether a `Cookie` header may hold a session: a second credential. */
  mayCarrySession: (cookie: string | undefined) => boolean;
  /** Finds a good key in memory alone. */
  peekPresentedKey: (presented: string) => PresentedKey | undefined;
  keyCallers: Pick<KeyCallers, 'take' | 'answered'>;
  policy: Pick<Policy, 'standingOf' | 'allows'>;
  log: FastPathLog;
  trustProxyHops: number;
  clock: Clock;
  form: KeyReadForm;
};

/** A `GET` route without input and scope, which any live key may read. */
export type KeyReadForm = {
  path: string;
  status: number;
  /** What billing has to allow. */
  billing: Operation;
  view: (caller: ApiKeyCaller, ip: string | undefined) => unknown;
  errorForm: ErrorForm;
  /** Whether pages of some origins may read it: the route names a page's origin in the answer. */
  isForPages: boolean;
};

type Accepted = { caller: PresentedKey; origin: CallerOrigin; json: string };

/** Answers a route to almost every API key that calls it: one that is in memory and may read. */
export function makeKeyReadFastPath(deps: Deps): FastPath {
  const { path } = deps.form;
  const secure = [...secureHeaders(), ...(deps.form.isForPages ? ['vary', 'origin'] : [])];
  const prepare = makePrepare(deps.form);
  return {
    handles: (method, url) => url === path && method === 'GET',
    handle(req, res, pass) {
      const from = performance.now();
      const accepted = accept(deps, req, prepare);
      if (!accepted) return pass();
      const answer = (taken: Taken | undefined) => send(deps, req, res, { ...accepted, taken, from, secure });
      const taken = deps.keyCallers.take(accepted.caller);
      if (taken instanceof Promise) taken.then(answer, pass);
      else answer(taken);
    },
  };
}

function accept(deps: Deps, req: IncomingMessage, prepare: Prepare): Accepted | undefined {
  const { isKey, mayCarrySession, peekPresentedKey, policy, trustProxyHops, clock, form } = deps;
  if (form.isForPages && req.headers.origin !== undefined) return undefined;
  const presented = mayCarrySession(req.headers.cookie) ? undefined : usualKey(req);
  if (presented === undefined || !isKey(presented)) return undefined;
  const caller = peekPresentedKey(presented);
  // The route answers refusals.
  if (caller?.environment !== 'live') return undefined;
  const { record } = caller.resolved;
  const origin = originAt(req, clientAddress(req, trustProxyHops));
  if (!isFromAllowed(record, origin.ip)) return undefined;
  if (!policy.allows(policy.standingOf(record.account, clock()).posture, 'api', form.billing)) return undefined;
  const json = prepare(caller, origin.ip);
  return json.length < COMPRESSED_FROM_BYTES ? { caller, origin, json } : undefined;
}

type Prepare = (caller: PresentedKey, ip: string | undefined) => string;

/** Makes what serializes the answer for a key and its last address. */
function makePrepare({ view }: KeyReadForm): Prepare {
  const answerOf = makeRecentAnswers((): { ip?: string | undefined; json?: string } => ({}));
  return (caller, ip) => {
    const answer = answerOf(caller.resolved.record);
    if (answer.json === undefined || answer.ip !== ip) {
      answer.json = utf8Json(view(caller, ip));
      answer.ip = ip;
    }
    return answer.json;
  };
}

type Answer = Accepted & { taken: Taken | undefined; from: number; secure: FlatHeaders };

function send({ log, form, keyCallers }: Deps, req: IncomingMessage, res: ServerResponse, answer: Answer): void {
  const { caller, origin, taken, from, secure } = answer;
  const requestId = newRequestId();
  const limits = taken ? limitHeaders(taken).flat() : [];
  const refusal = taken?.refused === undefined ? undefined : limitError(taken);
  const refused = refusal && form.errorForm.present(refusal, { requestId, caller: 'api_key' });
  const { status, json } = refused ? { ...refused, json: utf8Json(refused.body) } : { ...form, json: answer.json };
  keyCallers.answered(caller, refusal, origin);
  const decision = { code: codeOf(refusal), resolved: caller.resolved };
  sendJson(res, {
    status,
    json,
    headers: [...secure, REQUEST_ID_HEADER, requestId, ...limits],
    sent: () => log.answered({ method: 'GET', status, requestId, caller, decision, req, from }),
    failed: log.failed,
  });
}

function codeOf(refusal: AppError | undefined): 'valid' | 'rate_limited' {
  return refusal ? 'rate_limited' : 'valid';
}
