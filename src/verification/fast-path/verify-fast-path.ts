import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import type { ServiceCaller } from '../../http/caller.ts';
import { keepReadBody, parseJson } from '../../http/server/body.ts';
import { sendJson } from '../../http/fast-path/fast-path.ts';
import type { FastPath } from '../../http/fast-path/fast-path.ts';
import { isThereTwice } from '../../http/server/raw-headers.ts';
import { REQUEST_ID_HEADER, newRequestId } from '../../http/request-id.ts';
import { ifUnsent } from '../../http/server/unsent.ts';
import type { GiveBack } from '../../limits/leases/give-back.ts';
import type { Decide, Decision } from '../decide.ts';
import type { FastPathLog } from './fast-path-log.ts';
import { limitHeaders } from '../limit-answer.ts';
import { preparedVerdict } from './prepared-verdict.ts';
import { AskedKey, MAX_KEY_LENGTH, questionOf } from '../question.ts';
import type { KeyResolver } from '../resolve-key.ts';
import { VERIFY_PATH } from '../verify-routes.ts';

type Deps = {
  findServiceToken: (token: string) => ServiceCaller | undefined;
  /** Finds a key in memory alone. */
  peekKey: KeyResolver['peekKey'];
  decide: Decide;
  giveBack: GiveBack;
  log: FastPathLog;
};

const MAX_BODY_BYTES = 4 * 1024;
const SCOPE = 'apikeys:verify';
const BEARER = 'Bearer ';

/** Answers almost every verification: a service token, and one key that is in memory. */
export function makeVerifyFastPath(deps: Deps): FastPath {
  return {
    handles: (method, url) => url === VERIFY_PATH && method === 'POST',
    handle(req, res, pass) {
      const from = performance.now();
      const caller = isUsual(req) ? callerOf(deps, req) : undefined;
      if (!caller) return pass();
      readBytes(req, (bytes) => {
        const sent = parsed(bytes);
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
              status: 200,
              json: preparedVerdict(decision),
              headers: [REQUEST_ID_HEADER, requestId, ...limits],
              sent: () => deps.log.answered({ method: 'POST', status: 200, requestId, caller, decision, from }),
              failed: deps.log.failed,
            });
          const lease = taken?.lease;
          if (lease === undefined) return send();
          ifUnsent(res, () => deps.giveBack(lease.id));
          // Written at the end of the next turn: by then a client that left right after its request is known to be gone.
          setImmediate(send);
        };
        const decision = decisionOn(deps, sent);
        if (decision instanceof Promise) decision.then(answer, passOn);
        else if (decision) answer(decision);
        else passOn();
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

function decisionOn({ peekKey, decide }: Deps, sent: unknown): Decision | Promise<Decision> | undefined {
  const asked = asUsual(sent);
  const resolved = asked && peekKey(asked.key);
  return resolved && decide(resolved, questionOf(asked));
}

const { key: _key, ...DEFAULTS } = AskedKey.parse({ key: '-' });

/** Most bodies hold a key and nothing else, which needs no schema. */
function asUsual(sent: unknown): z.output<typeof AskedKey> | undefined {
  if (!isKeyAlone(sent)) return AskedKey.safeParse(sent).data;
  return { key: sent.key, ...DEFAULTS };
}

function isKeyAlone(sent: unknown): sent is { key: string } {
  if (typeof sent !== 'object' || sent === null) return false;
  let fields = 0;
  for (const name in sent) if (name !== 'key' || ++fields > 1) return false;
  const { key } = sent as { key?: unknown };
  return typeof key === 'string' && key.length > 0 && key.length <= MAX_KEY_LENGTH;
}
