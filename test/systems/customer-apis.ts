import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import express from 'express';
import type { Express } from 'express';
import { afterAll } from 'vitest';
import { LatchkeyError, createLatchkeyClient } from '../../src/client/client.ts';
import { apiKeyOf, createApiKeyGuard } from '../../src/client/express.ts';
import type { ApiKeyGuard } from '../../src/client/express.ts';
import { SERVICE_TOKEN } from '../support/service.ts';
import type { Service } from '../support/service.ts';

const EVALUATION_MS = 400;

/** Starts an API as the product's makers write it with the published middleware, and returns its address. */
async function startApi(
  { url }: Pick<Service, 'url'>,
  add: (app: Express, guard: ApiKeyGuard) => void,
): Promise<string> {
  const guard = createApiKeyGuard({ baseUrl: url, token: SERVICE_TOKEN });
  const app = express().use(express.json());
  add(app, guard);
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterAll(async () => {
    server.close();
    server.closeAllConnections();
    await guard.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Mixus's evaluations: each is a task of its key, and runs on after the answer. */
export async function startEvaluations(service: Pick<Service, 'url'>) {
  const { tasks } = createLatchkeyClient({ baseUrl: service.url, token: SERVICE_TOKEN });
  const statuses = new Map<string, 'running' | 'completed'>();
  const count = { running: 0, most: 0 };
  const run = async (task: Parameters<typeof tasks.release>[0]) => {
    count.most = Math.max(count.most, ++count.running);
    await sleep(EVALUATION_MS);
    count.running--;
    await tasks.release(task);
    statuses.set(task.name, 'completed');
  };
  const url = await startApi(service, (app, guard) => {
    app.post('/api/evals', guard.require({ scopes: ['eval:create'] }), async (req, res) => {
      const { id: api_key_id, organizationId: organization_id } = apiKeyOf(req);
      const task = { organization_id, api_key_id, name: `eval-${statuses.size + 1}` };
      statuses.set(task.name, 'running');
      try {
        await tasks.take(task);
      } catch (error) {
        if (!(error instanceof LatchkeyError) || error.code !== 'task_limit_reached') throw error;
        return void res.status(429).set('retry-after', '1').json({ error: 'Ten evaluations are running' });
      }
      void run(task);
      res.status(201).json({ id: task.name, status: 'running' });
    });
    app.get('/api/evals/:id', guard.require({ scopes: ['eval:read'] }), (req, res) => {
      const id = String(req.params['id']);
      res.json({ id, status: statuses.get(id) });
    });
  });
  return { url, count };
}

/** Memsolus's memories. */
export function startMemories(service: Pick<Service, 'url'>): Promise<string> {
  const memories: { id: string; organizationId: string; text: string }[] = [];
  return startApi(service, (app, guard) => {
    app.get('/v1/memories', guard.require({ scopes: ['memory.read'] }), (req, res) => {
      const { organizationId } = apiKeyOf(req);
      res.json({ data: memories.filter((memory) => memory.organizationId === organizationId) });
    });
    app.post('/v1/memories', guard.require({ scopes: ['memory.write'] }), (req, res) => {
      const { text } = req.body as { text: string };
      const memory = { id: `mem_${memories.length + 1}`, organizationId: apiKeyOf(req).organizationId, text };
      memories.push(memory);
      res.status(201).json(memory);
    });
    app.delete('/v1/memories/:id', guard.require({ scopes: ['memory.delete'] }), (req, res) => {
      const { organizationId } = apiKeyOf(req);
      const found = memories.findIndex((one) => one.id === req.params['id'] && one.organizationId === organizationId);
      if (found === -1) return void res.status(404).json({ error: 'There is no such memory' });
      memories.splice(found, 1);
      res.json({ deleted: true });
    });
  });
}
