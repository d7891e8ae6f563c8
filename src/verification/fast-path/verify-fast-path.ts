import type { IncomingMessage } from 'node:http';
import type { ServiceCaller } from '../../http/caller.ts';
import { keepReadBody, parseJson } from '../../http/server/body.ts';
import { sendJson } from '../../http/fast-path/fast-path.ts';
import type { FastPath } from '../../http/fast-path/fast-path.ts';
import { isThereTwice } from '../../http/server/raw-headers.ts';
import { REQUEST_ID_HEADER, newRequestId } from '../../http/request-id.ts';
import { ifUnsent } from '../../http/server/unsent.ts';
import type { Guesser } from '../../limits/guesses/guesser.ts';
import type { GiveBack } from '../../limits/leases/give-back.ts';
import type { Decide, Decision } from '../decide.ts';
import type { FastPathLog } from './fast-path-log.ts';
import { limitHeaders } from '../limit-answer.ts';
import type { VerifyForm } from './verify-form.ts';
import { questionOf } from '../question.ts';
import type { Resolved } from '../resolve-key.ts';
import { whenLookedUp } from './look-up-key.ts';
import type { LookUpKey } from './look-up-key.ts';

type Deps = {
  findServiceToken: (token: string) => ServiceCaller | undefined;
  lookUpKey: LookUpKey;
  decide: Decide;
  giveBack: GiveBack;
  log: FastPathLog;
  form: VerifyForm;
};

const MAX_BODY_BYTES = 4 * 1024;
const SCOPE = 'apikeys:verify';
const BEARER = 'Bearer ';

/** Answers almost every verification: a service token, and one key that is in memory or in the mirror. */
export function makeVerifyFastPath(deps: Deps): FastPath {
  const { path, method: usual, status, write } = deps.form;
  return {
    handles: (method, url) => url === path && method === usual,
    handle(req, res, pass) {
      const from = performance.now();
      const caller = isUsual(req) ? callerOf(deps, req) : undefined;
      if (!caller) return pass();
      readBytes(req, (bytes) => {
        const asked = deps.form.read(parsed(bytes));
        const passOn = () => {
          keepReadBody(req, bytes);
          pass();
        };
        const answer = (decision: Decision) => {
          const requestId = newRequestId();
          const { taken } = decision;
          const limits = taken ? limitHeaders(taken).flat() : [];
          const send = () =>
            sendJson(res, {
              status,
              json: write(decision),
              headers: [REQUEST_ID_HEADER, requestId, ...limits],
              sent: () => deps.log.answered({ method: usual, status, requestId, caller, decision, req, from }),
              failed: deps.log.failed,
            });
          const lease = taken?.lease;
          if (lease === undefined) return send();
          ifUnsent(res, () => deps.giveBack(lease.id));
          // Written at the end of the next turn: by then a client that left right after its request is known to be gone.
          setImmediate(send);
        };
        const decideOn = (resolved: Resolved | undefined) => {
          if (!asked || !resolved) return passOn();
          const decision = deps.decide(resolved, questionOf(asked));
          if (decision instanceof Promise) decision.then(answer, passOn);
          else answer(decision);
        };
        const found = asked && deps.lookUpKey(asked.key, guesserOf(asked.ip), req);
        if (found instanceof Promise) whenLookedUp(found, decideOn, { req, res, passOn, failed: deps.log.failed });
        else decideOn(found);
      });
    },
  };
}

function isUsual({ headers, rawHeaders }: IncomingMessage): boolean {
  const length = Number(headers['content-length']);
  return (
    length > 0 &&
    length <= MAX_BODY_BYTES &&
    headers['content-type'] === 'application/json' &&
    headers.host !== undefined &&
    !isThereTwice(rawHeaders, 'host') &&
    headers['content-encoding'] === undefined &&
    headers.cookie === undefined &&
    headers['x-api-key'] === undefined &&
    headers['x-access-token'] === undefined
  );
}

function callerOf({ findServiceToken }: Deps, req: IncomingMessage): ServiceCaller | undefined {
  const { authorization } = req.headers;
  if (!authorization?.startsWith(BEARER) || isThereTwice(req.rawHeaders, 'authorization')) return undefined;
  const caller = findServiceToken(authorization.slice(BEARER.length));
  return caller?.scopes.has(SCOPE) ? caller : undefined;
}

/** Reads as many bytes as `content-length` says, and does not wait for `end`, which comes a turn later. */
function readBytes(req: IncomingMessage, done: (bytes: Buffer) => void): void {
  const length = Number(req.headers['content-length']);
  const chunks: Buffer[] = [];
  let bytes = 0;
  req.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= length) done(chunks.length === 1 ? chunk : Buffer.concat(chunks));
  });
}

/** Returns undefined for a body that is not JSON, which the route refuses. */
function parsed(bytes: Buffer): unknown {
  try {
    return parseJson(bytes);
  } catch {
    return undefined;
  }
}

/** An unknown key counts against the address that the service names, if it names one. */
function guesserOf(ip: string | undefined): Guesser | undefined {
  return ip === undefined ? undefined : { address: ip };
}
