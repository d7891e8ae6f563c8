import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Request, RequestHandler } from 'express';
import type { Clock } from '../clock.ts';
import type { ServiceCaller } from '../http/caller.ts';
import { REQUEST_ID_HEADER, newRequestId } from '../http/request-id.ts';
import { judge } from './judge.ts';
import type { Operation } from './judge.ts';
import { preparedVerdict } from './prepared-verdict.ts';
import type { KeyResolver, Resolved } from './resolve-key.ts';

type Deps = {
  findServiceToken: (token: string) => ServiceCaller | undefined;
  /** What memory knows of a key, without asking anybody. */
  peekKey: KeyResolver['peekKey'];
  /** Told how long each took, in seconds. */
  observe: (seconds: number) => void;
  clock: Clock;
};

type Asked = { key: string; scopes: readonly string[]; operation: Operation };

const MAX_BODY_BYTES = 4 * 1024;
const SCOPE = 'apikeys:verify';
const BEARER = 'Bearer ';
const OTHER_CREDENTIALS = ['cookie', 'x-api-key', 'x-access-token'] as const;
const HEADERS = {
  'content-type': 'application/json; charset=utf-8',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
};

/**
 * The way of almost every verification: a service token, one key, in memory, good. Whatever else a request is, this
 * passes it on untouched, or with the body that it has read, to the route that knows all cases; so there is one place
 * that refuses. What it answers is what the route would have answered.
 */
export function makeVerifyFastLane(deps: Deps): RequestHandler {
  return (req, res, next) => {
    const from = performance.now();
    if (!isUsual(req) || !mayVerify(deps, req)) {
      next();
      return;
    }
    readText(req, (text) => {
      const sent = parse(text);
      const answer = answerTo(deps, sent);
      if (answer === undefined) {
        req.body = sent;
        next();
        return;
      }
      send(res, answer);
      deps.observe((performance.now() - from) / 1_000);
    });
  };
}

function isUsual(req: Request): boolean {
  const { headers } = req;
  const length = Number(headers['content-length']);
  return (
    headers.host !== undefined &&
    length > 0 &&
    length <= MAX_BODY_BYTES &&
    headers['content-type'] === 'application/json' &&
    headers['content-encoding'] === undefined &&
    OTHER_CREDENTIALS.every((name) => headers[name] === undefined) &&
    req.url.indexOf('?') === -1
  );
}

function mayVerify({ findServiceToken }: Deps, req: Request): boolean {
  const { authorization } = req.headers;
  if (!authorization?.startsWith(BEARER) || (req.headersDistinct['authorization']?.length ?? 0) > 1) return false;
  return findServiceToken(authorization.slice(BEARER.length))?.scopes.has(SCOPE) === true;
}

function readText(req: IncomingMessage, done: (text: string) => void): void {
  const chunks: Buffer[] = [];
  req.on('data', (chunk: Buffer) => chunks.push(chunk));
  req.once('end', () => done(Buffer.concat(chunks).toString('utf8')));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function answerTo({ peekKey, clock }: Deps, sent: unknown): string | undefined {
  const asked = asUsual(sent);
  const resolved: Resolved | undefined = asked && peekKey(asked.key);
  if (!asked || !resolved) return undefined;
  const now = clock();
  return judge(resolved.record, asked, now) === 'valid' ? preparedVerdict(resolved, now) : undefined;
}

/** What was asked, when it is plain; the route's schema is the one that says what is allowed. */
function asUsual(sent: unknown): Asked | undefined {
  if (typeof sent !== 'object' || sent === null) return undefined;
  const { key, scopes = [], operation = 'read', ...more } = sent as Record<string, unknown>;
  if (typeof key !== 'string' || !Array.isArray(scopes) || scopes.length > 100 || Object.keys(more).length > 0)
    return undefined;
  if (!scopes.every((scope) => typeof scope === 'string')) return undefined;
  if (operation !== 'read' && operation !== 'create' && operation !== 'wind_down') return undefined;
  return { key, scopes, operation };
}

function send(res: ServerResponse, answer: string): void {
  res.writeHead(200, {
    ...HEADERS,
    'content-length': Buffer.byteLength(answer),
    [REQUEST_ID_HEADER]: newRequestId(),
  });
  res.end(answer);
}
