import { hostname } from 'node:os';
import { expect, test } from 'vitest';
import { VERSION } from '../../src/config/version.ts';
import { readTraceparent } from '../../src/http/server/traceparent.ts';
import { call, createKey, verifyKey } from '../support/api.ts';
import type { Answer } from '../support/api.ts';
import { rawCall } from '../support/raw.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';

const service = await startService();

/** The lines that an answer's request left; the line is written when the answer has been sent. */
async function linesOf({ headers }: Answer): Promise<Record<string, unknown>[]> {
  const requestId = String(headers.get('x-request-id'));
  const find = () => service.logs.filter((line) => line.includes(requestId));
  await expect.poll(find).not.toHaveLength(0);
  return find().map((line) => JSON.parse(line) as Record<string, unknown>);
}

const COMMON = {
  level: 'info',
  service: 'latchkey',
  version: VERSION,
  instance: `${hostname()}-${process.pid}`,
  role: 'all',
  time: expect.stringMatching(/^\d{4}-.*Z$/),
  duration_ms: expect.any(Number),
  msg: 'request',
};

test('logs one line for each request: caller, route, outcome, duration, and nothing else', async () => {
  const acme = await service.organizations.add();
  const owner = await acme.session('owner');
  const key = await createKey(service, owner);
  const who = {
    user: { token: owner, caller_id: acme.userId('owner') },
    machine: { token: await acme.machineToken('apikeys:read'), caller_id: acme.machineClientId },
    api_key: { token: key.value, caller_id: key.id },
  };
  for (const [caller, { token, caller_id }] of Object.entries(who)) {
    const answer = await call(service, 'GET', `/v1/organization?organization_id=${acme.id}`, { token });
    expect(await linesOf(answer)).toEqual([
      {
        ...COMMON,
        request_id: answer.headers.get('x-request-id'),
        method: 'GET',
        route: '/v1/organization',
        status: 200,
        caller,
        caller_id,
        organization_id: acme.id,
      },
    ]);
  }
});

test('logs the code of a refusal, and the kind of a service caller', async () => {
  const acme = await service.organizations.add();
  const answer = await call(service, 'PUT', `/v1/organizations/${acme.id}/billing`, { token: SERVICE_TOKEN, body: {} });
  expect(await linesOf(answer)).toEqual([
    {
      ...COMMON,
      request_id: answer.headers.get('x-request-id'),
      method: 'PUT',
      route: '/v1/organizations/{id}/billing',
      status: 400,
      code: 'validation_error',
      caller: 'service',
      caller_id: expect.stringMatching(/^service_[0-9a-f]{12}$/),
    },
  ]);
});

test.each([
  ['GET', '/v1/api-keys', '/v1/api-keys', 401],
  ['GET', '/v1/api-keys/api_key_x', '/v1/api-keys/{id}', 401],
  ['POST', '/v1/organization', '/v1/organization', 405],
  ['GET', '/nowhere/at?all=1', 'unmatched', 404],
  ['GET', '/docs', '/docs', 200],
])('logs %s %s under its pattern %s', async (method, path, route, status) => {
  const [line, ...others] = await linesOf(await rawCall(service, method, path));
  expect(line).toMatchObject({ method, route, status });
  expect(line).not.toHaveProperty('caller');
  expect(others).toEqual([]);
});

test('logs health and metrics only when they fail', async () => {
  const before = service.logs.length;
  for (const path of ['/healthz', '/readyz', '/metrics']) await rawCall(service, 'GET', path);
  await linesOf(await rawCall(service, 'GET', '/docs'));
  expect(service.logs.slice(before)).toHaveLength(1);
});

test('logs a failure of the database or WorkOS as a warning with the same fields', async () => {
  const acme = await service.organizations.add();
  service.workos.faults.add({ kind: 'status', status: 503, method: 'POST', path: '/organizations/:id/api_keys' });
  const answer = await call(service, 'POST', '/v1/api-keys', {
    token: await acme.session(),
    body: { label: 'a', permission_set: 'read_only' },
  });
  const lines = await linesOf(answer);
  expect(lines.at(-1)).toMatchObject({ level: 'warn', status: 503, code: 'workos_unavailable', route: '/v1/api-keys' });
});

test('writes no extra line for line breaks in a header or path', async () => {
  const before = service.logs.length;
  await rawCall(service, 'GET', '/v1/%0a%7b%22level%22%3a%22error%22%7d', { headers: { 'x-request-id': 'forged' } });
  await expect.poll(() => service.logs.length).toBe(before + 1);
  expect(service.logs.at(-1)).not.toContain('forged');
  expect(service.logs.at(-1)?.trim()).not.toContain('\n');
});

test("logs nothing from a client's path, query, headers or cookies", async () => {
  const acme = await service.organizations.add();
  const { value } = await createKey(service, await acme.session());
  const referer = `http://x/?k=${value}`;
  const headers = { 'x-api-key': value, cookie: `wos_session=${value}`, 'x-surprise': value, referer };
  const answer = await call(service, 'GET', `/v1/nothing/${value}?api_key=${value}`, { headers });
  expect(await linesOf(answer)).toMatchObject([{ route: 'unmatched', status: 404, code: 'route_not_found' }]);
  expect(service.logs.join('')).not.toContain(value);
});

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const TRACEPARENT = `00-${TRACE_ID}-00f067aa0ba902b7-01`;

test('logs the trace of a request that has a traceparent, on either way through verification', async () => {
  const acme = await service.organizations.add();
  const key = await createKey(service, await acme.session());
  const headers = { traceparent: TRACEPARENT };
  const body = { key: key.value, scopes: ['tasks:write'] };
  for (const source of ['mirror', 'cache']) {
    const answer = await call(service, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body, headers });
    expect(answer.body).toMatchObject({ code: 'insufficient_scope', source });
    expect(await linesOf(answer)).toMatchObject([{ verdict: 'insufficient_scope', trace_id: TRACE_ID }]);
  }
  const [line] = await linesOf(await verifyKey(service, body));
  expect(line).not.toHaveProperty('trace_id');
});

test('logs the trace on each line of a request that fails', async () => {
  const token = await (await service.organizations.add()).session();
  await service.db.raw('alter table api_keys rename to api_keys_gone');
  const answer = await call(service, 'GET', '/v1/api-keys', { token, headers: { traceparent: TRACEPARENT } });
  await service.db.raw('alter table api_keys_gone rename to api_keys');
  const lines = await linesOf(answer);
  expect(lines).toMatchObject([
    { msg: 'unhandled error', trace_id: TRACE_ID },
    { msg: 'request', status: 500, trace_id: TRACE_ID },
  ]);
});

test.each([
  ['a version that never is', `ff-${TRACE_ID}-00f067aa0ba902b7-01`],
  ['a trace of zeros', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`],
  ['a parent of zeros', `00-${TRACE_ID}-${'0'.repeat(16)}-01`],
  ['capitals', TRACEPARENT.toUpperCase()],
  ['a short trace', `00-${TRACE_ID.slice(1)}-00f067aa0ba902b7-01`],
  ['no flags', TRACEPARENT.slice(0, -3)],
  ['more than version 00 has', `${TRACEPARENT}-more`],
  ['a long tail', `01${TRACEPARENT.slice(2)}-${'a'.repeat(201)}`],
  ['two of them', `${TRACEPARENT}, ${TRACEPARENT}`],
  ['a line break', `${TRACEPARENT}\n`],
  ['nothing', ''],
])('reads no trace from a traceparent with %s', (_what, traceparent) => {
  expect(readTraceparent({ traceparent })).toBeUndefined();
});

test('reads a traceparent of a later version, and whether it is sampled', () => {
  const later = `01${TRACEPARENT.slice(2)}-what-will-be`;
  expect(readTraceparent({ traceparent: later })).toEqual({ traceId: TRACE_ID, sampled: true });
  const unsampled = `${TRACEPARENT.slice(0, -2)}02`;
  expect(readTraceparent({ traceparent: unsampled })).toEqual({ traceId: TRACE_ID, sampled: false });
  expect(readTraceparent({})).toBeUndefined();
});
