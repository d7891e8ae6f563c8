import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { expect, onTestFinished } from 'vitest';
import { createLatchkeyClient } from '../../src/client/client.ts';
import type { Operation, VerdictCode, Verdict, WantedEnvironment } from '../../src/client/client.ts';
import { createApiKeyGuard } from '../../src/client/express.ts';
import type { ApiKeyGuard, CacheOptions } from '../../src/client/express.ts';
import { SERVICE_TOKEN } from '../support/service.ts';

type Answered = { status: number; code?: VerdictCode; key?: Record<string, unknown>; body: unknown; headers: Headers };
type Options = {
  url: string;
  cache?: CacheOptions;
  token?: string;
  /** The base URL of calls, when it differs from that of the stream. */
  asks?: string;
  timeoutMs?: number;
  /** Intercepts the verdicts of Latchkey. */
  verdict?: (answer: () => Promise<Verdict>) => Promise<Verdict>;
};

/** What `/wanted` wants of a key, as its query says. */
export type Wanted = { environment: WantedEnvironment; scopes: string[]; operation: Operation };

const wantedOf = ({ query }: express.Request): Wanted => {
  const { scopes, environment, operation } = query as Record<'scopes' | 'environment' | 'operation', string>;
  return { scopes: scopes.split(' ').filter(Boolean), environment, operation } as Wanted;
};

const operation = (req: express.Request) => (req.query['dry'] === undefined ? 'create' : 'read');

const answerPerson: express.RequestHandler = (req, res) => void res.json(req.person ?? req.apiKey);

/** Starts a service that accepts keys, as a product would write one; it counts its calls to Latchkey. */
export async function startConsumer(options: Options) {
  const { url, asks = url, cache, token = SERVICE_TOKEN, timeoutMs = 1_000, verdict } = options;
  let questions = 0;
  const client = createLatchkeyClient({
    baseUrl: url,
    token,
    timeoutMs,
    fetch: async (to, init) => {
      const { pathname, search } = new URL(to);
      if (pathname !== '/v1/api-keys/verify') return fetch(`${asks}${pathname}${search}`, init);
      questions++;
      const send = () => fetch(`${asks}/v1/api-keys/verify`, init);
      return verdict ? Response.json(await verdict(async () => (await send()).json() as Promise<Verdict>)) : send();
    },
  });
  const guard = createApiKeyGuard({ client, cache: { replicaLagMs: 0, ...cache } });
  const app = express();
  app.all('/tasks', guard.require(), (req, res) => void res.json(req.apiKey));
  app.get('/audit', guard.require({ scopes: ['audit:read'] }), (req, res) => void res.json(req.apiKey));
  app.get('/admin', guard.require({ scopes: ['audit:read', 'nobody:has'] }), (_req, res) => void res.json({}));
  app.get('/sandbox', guard.require({ environment: 'test' }), (req, res) => void res.json(req.apiKey));
  app.get('/both', guard.require({ environment: 'any' }), (req, res) => void res.json(req.apiKey));
  app.all('/people', guard.require({ sessions: true, scopes: ['workspace:read'] }), answerPerson);
  app.get('/billed', guard.require({ sessions: true, scopes: ['billing:write'] }), answerPerson);
  app.get('/theirs', guard.require({ sessions: { organizationId: 'org_theirs' } }), answerPerson);
  app.get(
    '/wanted',
    (req, res, next) => void guard.require(wantedOf(req))(req, res, next),
    (req, res) => void res.json(req.apiKey),
  );
  // Answers when the test releases it.
  const held: express.Response[] = [];
  app.get('/slow', guard.require(), (_req, res) => void held.push(res));
  app.get('/costly', guard.require({ cost: 5 }), (_req, res) => void res.json({}));
  app.get('/odd', guard.require({ operation }), (_req, res) => void res.json({}));
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.close();
    server.closeAllConnections();
    await guard.close();
  });
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    guard,
    held,
    questions: () => questions,
    ask: (key?: string, path = '/tasks', init: RequestInit = {}) =>
      ask(`${base}${path}`, { ...init, headers: { ...(key && { authorization: `Bearer ${key}` }), ...init.headers } }),
  };
}

async function ask(url: string, init: RequestInit): Promise<Answered> {
  const response = await fetch(url, init);
  const body = (await response.json()) as Record<string, unknown> & { error?: { code: string } };
  const { status, headers } = response;
  return {
    status,
    headers,
    body,
    ...(body.error ? { code: body.error.code } : { key: body }),
  };
}

export type Consumer = Awaited<ReturnType<typeof startConsumer>>;

export async function trusting({ guard }: { guard: Pick<ApiKeyGuard, 'isTrusting'> }): Promise<void> {
  await expect.poll(() => guard.isTrusting(), { interval: 2 }).toBe(true);
}

/** Sends requests until the key is answered from the cache. */
export async function warm(consumer: Consumer, key: string): Promise<void> {
  await trusting(consumer);
  await expect
    .poll(
      async () => {
        const before = consumer.questions();
        expect((await consumer.ask(key)).status).toBe(200);
        return consumer.questions() - before;
      },
      { interval: 5, timeout: 3_000 },
    )
    .toBe(0);
}
