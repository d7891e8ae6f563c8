import { EventEmitter } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Request, Response } from 'express';
import { createLatchkeyClient } from '../src/client/client.ts';
import type { Verdict } from '../src/client/client.ts';
import { createApiKeyGuard } from '../src/client/express.ts';

// `node bench/middleware.ts`: warm checks a second of `requireApiKey` in one process, on one core; medians of rounds.
const KEYS = 1_000;
const ROUNDS = 7;
const CHECKS = 500_000;

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
const median = rates.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)]!;
const p99 = times[Math.floor(CHECKS * 0.99)]! * 1_000;
process.stdout.write(
  `warm checks: ${Math.round(median).toLocaleString('en')} a second, p99 ${p99.toFixed(1)} µs, of ${KEYS} keys, node ${process.version}\n`,
);
guard.close();
latchkey.closeAllConnections();
latchkey.close();

/** A request as Node hands it over: ten headers, the key among them. */
function requestWith(key: string): Request {
  const headers = { host: 'api.example.test', accept: '*/*', 'user-agent': 'bench/1.0', 'accept-encoding': 'gzip' };
  const more = { connection: 'keep-alive', 'x-request-id': 'req_0', 'accept-language': 'en', 'x-forwarded-for': '::1' };
  const rawHeaders = Object.entries({ ...headers, ...more, authorization: `Bearer ${key}` }).flat();
  return { method: 'GET', rawHeaders } as unknown as Request;
}

function verdict(): Verdict {
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
    billing: { posture: 'active' },
    checked_at: new Date().toISOString(),
    source: 'cache',
    stale_ms: 0,
  };
}
