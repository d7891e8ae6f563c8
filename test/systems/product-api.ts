import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { afterAll } from 'vitest';
import { LatchkeyError } from '../../src/client/client.ts';
import { apiKeyOf, createApiKeyGuard } from '../../src/client/express.ts';
import type { RouteOptions, VerifiedKey } from '../../src/client/express.ts';
import { expectEnvelope } from '../support/api.ts';
import type { Answer, Body } from '../support/api.ts';
import { SERVICE_TOKEN } from '../support/service.ts';
import type { Service } from '../support/service.ts';

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';
export type ProductRoute = `${Method} /${string}`;
export type ProductApi = Awaited<ReturnType<typeof startProductApi>>;

/**
 * Starts the product's own API, as its makers write it with the published middleware: each route needs scopes and answers
 * with the caller's key, or as `answers` says. A refusal by Latchkey is passed on.
 */
export async function startProductApi(
  service: Service,
  routes: Readonly<Record<ProductRoute, RouteOptions>>,
  answers: Readonly<Record<ProductRoute, (key: VerifiedKey) => Promise<object>>> = {},
) {
  const guard = createApiKeyGuard({ baseUrl: service.url, token: SERVICE_TOKEN });
  const app = express();
  for (const [route, options] of Object.entries(routes)) {
    const [method = '', path = ''] = route.split(' ');
    const answer = answers[route as ProductRoute] ?? ((key) => Promise.resolve(key));
    app[method.toLowerCase() as 'get'](path, guard.require(options), (req, res) =>
      answer(apiKeyOf(req)).then(
        (body) => void res.json(body),
        (error: unknown) => passOn(res, error),
      ),
    );
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
    send: async (method: Method, path: string, headers: Record<string, string> = {}): Promise<Answer> => {
      const response = await fetch(`${base}${path}`, { method, headers });
      const answer = { status: response.status, body: (await response.json()) as Body, headers: response.headers };
      if (answer.status >= 400) expectEnvelope(answer);
      return answer;
    },
  };
}

function passOn(res: express.Response, error: unknown): void {
  if (!(error instanceof LatchkeyError) || error.status === undefined) throw error;
  const { code, message, details, requestId = '' } = error;
  res.set('x-request-id', requestId).status(error.status);
  res.json({ error: { code, message, request_id: requestId, ...(details && { details }) } });
}
