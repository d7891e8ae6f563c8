import { randomUUID } from 'node:crypto';
import express from 'express';
import type { ErrorRequestHandler, Express, Request as HttpRequest, Response } from 'express';
import type { Faults } from '../faults/faults.ts';
import type { Silence } from '../faults/play-fault.ts';
import { playAfter, playBefore } from '../faults/play-fault.ts';
import { sameSecret } from '../hashing.ts';
import { readBody } from './body.ts';
import { HttpError } from './http-error.ts';
import type { Journal } from './journal.ts';
import type { Replay } from './replay.ts';
import type { Reply, Request, Route } from './route.ts';
import { createRateLimit } from '../profile/rate-limit.ts';
import type { Switches } from '../profile/switches.ts';
import { writeJson } from '../profile/write-json.ts';

type Deps = {
  routes: readonly Route[];
  apiKey: string;
  faults: Faults;
  journal: Journal;
  replay: Replay;
  switches: Switches;
  /** Aborted when the server closes. */
  closing: AbortSignal;
};

/** Reads bodies and queries itself and sends no ETags, because Express's ways cost more than most requests here. */
export function createApp(deps: Deps): Express {
  const app = express();
  app.set('etag', false);
  app.set('query parser', false);
  app.disable('x-powered-by');
  const limited = createRateLimit(deps.switches);
  for (const route of deps.routes) app[route.method](route.path, serve(deps, route, limited));
  app.use(serve(deps, UNKNOWN_ROUTE, limited));
  app.use(answerBadPath);
  return app;
}

const UNKNOWN_ROUTE = {
  access: 'public',
  handle: (): Reply => {
    throw new HttpError(404, { message: 'Not Found' });
  },
} satisfies Pick<Route, 'access' | 'handle'>;

type Served = Pick<Route, 'access' | 'handle' | 'replay'>;

function serve(deps: Deps, route: Served, limited: ReturnType<typeof createRateLimit>) {
  return async (message: HttpRequest, response: Response): Promise<void> => {
    const isControl = message.path.startsWith('/_emulator/');
    if (!isControl) noteStatus(deps.journal, message, response);
    const fault = isControl ? undefined : deps.faults.take(message.method, message.path);
    // The body is read before a delay, so that the work is done even if the client gives up, as behind a proxy.
    const body = message.method === 'GET' ? Promise.resolve(undefined) : readBody(message);
    body.catch(() => undefined);
    const instead = fault && (await playBefore(fault, deps.closing));
    if (instead !== undefined) return send(instead, message, response);
    const tooMany = isControl ? undefined : limited(message.headers.authorization ?? '');
    const reply = written(tooMany ?? (await answer(deps, route, message, body)), isControl ? undefined : deps.switches);
    send(fault ? playAfter(fault, reply) : reply, message, response);
  };
}

/** Writes the body before faults are applied, which cut it. Control routes ignore the profile. */
function written(reply: Reply, switches: Switches | undefined): Reply {
  const { body } = reply;
  if (typeof body !== 'object' || switches === undefined) return reply;
  return {
    ...reply,
    body: writeJson(body, switches),
    headers: { 'content-type': 'application/json; charset=utf-8', ...reply.headers },
  };
}

function noteStatus(journal: Journal, message: HttpRequest, response: Response): void {
  const entry = journal.open(message.method, message.path);
  response.once('finish', () => {
    entry.status = response.statusCode;
  });
}

async function answer(deps: Deps, route: Served, message: HttpRequest, body: Promise<unknown>): Promise<Reply> {
  try {
    assertLoopbackName(message);
    if (route.access === 'environment') assertEnvironment(deps.apiKey, message);
    const request: Request = {
      params: readParams(message),
      query: new URLSearchParams(message.originalUrl.split('?')[1] ?? ''),
      body: await body,
      headers: message.headers,
    };
    const key = message.headers['idempotency-key'];
    const replays =
      deps.switches.replays_creates && message.method === 'POST' && key !== undefined && route.replay !== false;
    const work = async (): Promise<Reply> => route.handle(request);
    return await (replays ? deps.replay.once(`${message.path}\n${String(key)}`, work) : work());
  } catch (error) {
    return error instanceof HttpError
      ? error.reply
      : { status: 500, body: { message: `Local WorkOS failed: ${String(error)}` } };
  }
}

/** Parameters are single texts, because no path has a wildcard. */
const readParams = ({ params }: HttpRequest): Record<string, string> =>
  Object.fromEntries(Object.entries(params).map(([name, value]) => [name, String(value)]));

/** Refuses other host names, to which a web page may have bound 127.0.0.1 (DNS rebinding). */
function assertLoopbackName({ headers }: HttpRequest): void {
  if (/^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i.test(headers.host ?? '')) return;
  throw new HttpError(421, { message: 'The local WorkOS answers to loopback names only.' });
}

function assertEnvironment(apiKey: string, { headers }: HttpRequest): void {
  const token = /^Bearer (?<token>\S+)$/i.exec(headers.authorization ?? '')?.groups?.['token'];
  if (token !== undefined && sameSecret(token, apiKey)) return;
  throw new HttpError(401, { message: 'Unauthorized' });
}

function send(reply: Reply | Silence, message: HttpRequest, response: Response): void {
  if (reply === 'silence') {
    message.resume();
    return;
  }
  if (reply === 'reset') {
    message.socket.resetAndDestroy();
    return;
  }
  response.statusCode = reply.status;
  response.setHeader('x-request-id', randomUUID());
  if (reply.body !== undefined) response.setHeader('content-type', 'application/json; charset=utf-8');
  for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value);
  const { body } = reply;
  response.end(typeof body === 'object' && !Buffer.isBuffer(body) ? JSON.stringify(body) : body);
}

/** Answers a path such as `/%zz`, which Express refuses before any route. */
const answerBadPath: ErrorRequestHandler = (_error, message, response, _next) => {
  send({ status: 400, body: { message: 'The path is not a valid URL path.' } }, message, response);
};
