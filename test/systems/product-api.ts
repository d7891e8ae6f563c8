import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { afterAll } from 'vitest';
import { createApiKeyGuard } from '../../src/client/express.ts';
import type { RouteOptions } from '../../src/client/express.ts';
import { expectEnvelope } from '../support/api.ts';
import type { Answer, Body } from '../support/api.ts';
import { SERVICE_TOKEN } from '../support/service.ts';
import type { Service } from '../support/service.ts';

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';
export type ProductRoute = `${Method} /${string}`;
export type ProductApi = Awaited<ReturnType<typeof startProductApi>>;

/**
 * Starts the product's own API, as its makers write it with the published middleware: each route needs scopes and answers
 * with the caller's key. A route whose path ends with `/wait` answers when the test lets it.
 */
export async function startProductApi(service: Service, routes: Readonly<Record<ProductRoute, RouteOptions>>) {
  const guard = createApiKeyGuard({ baseUrl: service.url, token: SERVICE_TOKEN });
  const app = express();
  const held: express.Response[] = [];
  for (const [route, options] of Object.entries(routes)) {
    const [method = '', path = ''] = route.split(' ');
    const answer: express.RequestHandler = (req, res) =>
      path.endsWith('/wait') ? void held.push(res) : void res.json(req.apiKey);
    app[method.toLowerCase() as 'get'](path, guard.require(options), answer);
  }
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterAll(async () => {
    server.close();
    server.closeAllConnections();
    await guard.close();
  });
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    /** The waiting requests, oldest first. */
    held,
    send: async (method: Method, path: string, headers: Record<string, string> = {}): Promise<Answer> => {
      const response = await fetch(`${base}${path}`, { method, headers });
      const answer = { status: response.status, body: (await response.json()) as Body, headers: response.headers };
      if (answer.status >= 400) expectEnvelope(answer);
      return answer;
    },
  };
}
