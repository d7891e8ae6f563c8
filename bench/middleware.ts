import { EventEmitter } from 'node:events';
import { IncomingMessage, createServer } from 'node:http';
import { Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import express from 'express';
import type { Request, Response } from 'express';
import { createLatchkeyClient } from '../src/client/client.ts';
import { createApiKeyGuard } from '../src/client/express.ts';

// `node bench/middleware.ts [--rounds N]`: measures warm checks of `requireApiKey` a second in one process; prints JSON.
const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' } } });
const ROUNDS = Number(values.rounds);
const KEYS = 1_000;
const CHECKS = 500_000;

const app = express();
const socket = Object.defineProperty(new Socket(), 'remoteAddress', { value: '127.0.0.1' });

const latchkey = createServer((req, res) => {
  if (req.method === 'GET') {
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    res.write('id: a:0\nevent: reset\ndata: {"heartbeat_ms":60000}\n\n');
  } else req.resume().on('end', () => res.writeHead(200).end(JSON.stringify(verdict())));
});
await new Promise<void>((resolve) => latchkey.listen(0, '127.0.0.1', resolve));
const client = createLatchkeyClient({
  baseUrl: `http://127.0.0.1:${(latchkey.address() as AddressInfo).port}`,
  token: 'svc_bench',
});
const opened = new EventEmitter();
const guard = createApiKeyGuard({
  client,
  cache: { replicaLagMs: 0, ttlMs: 600_000 },
  onStream: () => opened.emit('opened'),
});
await new Promise((resolve) => opened.once('opened', resolve));
const handle = guard.require({ scopes: ['tasks:read'] });

const requests = Array.from({ length: KEYS }, (_, i) => requestWith(`sk_${String(i).padStart(43, 'k')}`));
await new Promise((resolve) => setTimeout(resolve, 10));
for (const req of requests) await new Promise<void>((resolve) => void handle(req, {} as Response, () => resolve()));

let passed = 0;
const rates: number[] = [];
for (let round = 0; round < ROUNDS; round++) {
  passed = 0;
  const from = performance.now();
  for (let i = 0; i < CHECKS; i++) void handle(requests[i % KEYS]!, {} as Response, () => void passed++);
  rates.push(CHECKS / ((performance.now() - from) / 1_000));
  if (passed !== CHECKS) throw new Error(`${CHECKS - passed} checks were not warm`);
}
const times = new Float64Array(CHECKS);
for (let i = 0; i < CHECKS; i++) {
  const from = performance.now();
  void handle(requests[i % KEYS]!, {} as Response, () => undefined);
  times[i] = performance.now() - from;
}
times.sort();
const perSecond = rates.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)]!;
const p99Microseconds = times[Math.floor(CHECKS * 0.99)]! * 1_000;
process.stdout.write(`${JSON.stringify({ keys: KEYS, perSecond, ratesOfRounds: rates, p99Microseconds })}\n`);
await guard.close();
latchkey.closeAllConnections();
latchkey.close();

/** Returns a request as Express passes it on: ten headers, the key among them. */
function requestWith(key: string): Request {
  const headers = { host: 'api.example.test', accept: '*/*', 'user-agent': 'bench/1.0', 'accept-encoding': 'gzip' };
  const more = { connection: 'keep-alive', 'x-request-id': 'req_0', 'accept-language': 'en', 'x-forwarded-for': '::1' };
  const rawHeaders = Object.entries({ ...headers, ...more, authorization: `Bearer ${key}` }).flat();
  const req = Object.assign(new IncomingMessage(socket), { method: 'GET', rawHeaders });
  return Object.setPrototypeOf(req, app.request) as Request;
}

/** Returns a verdict as the service answers it. A field that only later clients read is absent or null. */
function verdict() {
  const id = `api_key_${Math.random()}`;
  return {
    valid: true,
    code: 'valid',
    id,
    organization_id: 'org_bench',
    owner: { type: 'organization', id: 'org_bench' },
    label: 'bench',
    permission_set: 'read_only',
    scopes: ['tasks:read', 'tasks:write'],
    expires_at: new Date(Date.now() + 3_600_000).toISOString(),
    billing: { posture: 'active', allows: ['read', 'create', 'wind_down'], changes_at: null },
    rate_limit: null,
    lease: null,
    retry_after: null,
    enforcement: null,
    checked_at: new Date().toISOString(),
    source: 'cache',
    stale_ms: 0,
  };
}
