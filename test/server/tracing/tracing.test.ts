import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { call, createKey, requestKey } from '../../support/api.ts';
import { makeDashboardKey } from '../../support/at-workos.ts';
import { SERVICE_TOKEN } from '../../support/service.ts';
import { drawTrace, newTrace, startTraced } from './start.ts';
import type { Span } from './start.ts';

const service = await startTraced({
  LATCHKEY_LOG_ACCEPTED_SHARE: '1',
  // Few, so that requests wait.
  DATABASE_POOL_MAX: '2',
  WORKOS_VALIDATIONS_PER_SECOND: '4',
});
const acme = await service.organizations.add({ status: 'active', plan: 'scale' });
const owner = await acme.session('owner');

const VERIFY = '/v1/api-keys/verify';
/** The kinds of a span by number, as the API of OpenTelemetry has them. */
const [SERVER, CLIENT] = [1, 2];

type Sent = { headers?: Record<string, string>; body?: object };

const verify = (key: string, { headers = {}, body = {} }: Sent = {}) =>
  call(service, 'POST', VERIFY, { token: SERVICE_TOKEN, headers, body: { key, ...body } });

/** Verifies until the answer comes from memory: a first read may have raced the notification of the key's creation. */
async function warm(key: string): Promise<void> {
  await expect.poll(async () => (await verify(key)).body['source'], { interval: 1 }).toBe('cache');
}

const isDone = (spans: readonly Span[], traceId: string) =>
  spans.some((span) => span.traceId === traceId && span.kind === SERVER);

/** Waits for the span of the request, which ends last. */
async function traceOf(traceId: string): Promise<string[]> {
  await expect.poll(() => isDone(service.spans(), traceId)).toBe(true);
  return drawTrace(service.spans(), traceId);
}

const spansOf = (traceId: string) => service.spans().filter((span) => span.traceId === traceId);

describe('POST /v1/api-keys', () => {
  test('shows credential, statements and the call of WorkOS between two commits', async () => {
    const { traceId, parentId, headers } = newTrace({ sampled: true });
    const body = { label: 'traced', permission_set: 'read_only' };
    const answer = await call(service, 'POST', '/v1/api-keys', { token: owner, headers, body });
    expect(answer.status).toBe(201);
    const drawn = await traceOf(traceId);
    const names = drawn.map((line) => line.trim());
    expect(drawn[0]).toBe('POST /v1/api-keys');
    expect(names.filter((name) => /^(?:authenticate|COMMIT|WorkOS .*)/.test(name))).toEqual([
      'authenticate',
      'COMMIT',
      'WorkOS create_key',
      'COMMIT',
    ]);
    expect(names).toContain('INSERT');
    const spans = spansOf(traceId);
    expect(spans.find(({ kind }) => kind === SERVER)).toMatchObject({
      parentId,
      attributes: {
        'http.request.method': 'POST',
        'http.route': '/v1/api-keys',
        'http.response.status_code': 201,
        'latchkey.request_id': answer.headers.get('x-request-id'),
      },
    });
    expect(spans.find(({ name }) => name === 'authenticate')?.attributes).toEqual({ 'latchkey.caller': 'user' });
    expect(spans.find(({ name }) => name === 'INSERT')).toMatchObject({
      kind: CLIENT,
      attributes: { 'db.system.name': 'postgresql', 'db.operation.name': 'INSERT' },
    });
    expect(spans.find(({ name }) => name === 'WorkOS create_key')).toMatchObject({
      kind: CLIENT,
      attributes: { 'latchkey.workos.operation': 'create_key' },
    });
  });

  test('marks the spans of a failing WorkOS, by code alone', async () => {
    const { traceId, headers } = newTrace({ sampled: true });
    service.workos.faults.add({ kind: 'status', status: 503, method: 'POST', path: '/organizations/:id/api_keys' });
    const body = { label: 'never', permission_set: 'read_only' };
    expect((await call(service, 'POST', '/v1/api-keys', { token: owner, headers, body })).status).toBe(503);
    const drawn = await traceOf(traceId);
    expect(drawn[0]).toBe('POST /v1/api-keys failed: workos_unavailable');
    expect(drawn).toContain('  WorkOS create_key failed: workos_unavailable');
    expect(spansOf(traceId).filter(({ status }) => status.message !== undefined)).toEqual([]);
  });

  test('is traced without a traceparent if the SDK says so, and its log line has that trace', async () => {
    const { headers } = await requestKey(service, owner, { label: 'unasked' });
    const requestId = headers.get('x-request-id');
    const find = () => service.spans().find(({ attributes }) => attributes['latchkey.request_id'] === requestId);
    await expect.poll(() => find()).toBeDefined();
    const lines = () =>
      service
        .log()
        .split('\n')
        .filter((each) => each.includes(String(requestId)));
    await expect.poll(lines).toHaveLength(1);
    expect(JSON.parse(lines()[0]!)).toMatchObject({ trace_id: find()?.traceId });
  });
});

describe('POST /v1/api-keys/verify', () => {
  test('shows where a sampled request found its key: mirror, memory, WorkOS', async () => {
    const key = await createKey(service, owner);
    const dashboard = await makeDashboardKey(service, acme.id);
    const [cold, cached, atWorkos] = [1, 2, 3].map(() => newTrace({ sampled: true }));
    await verify(key.value, cold);
    expect(await traceOf(cold!.traceId)).toEqual([
      `POST ${VERIFY}`,
      '  authenticate',
      '  find key mirror',
      '    SELECT',
      '  verify key valid mirror',
    ]);
    await warm(key.value);
    await verify(key.value, { ...cached, body: { scopes: ['tasks:write'] } });
    expect(await traceOf(cached!.traceId)).toEqual([`POST ${VERIFY}`, '  verify key insufficient_scope cache']);
    await verify(dashboard.value, atWorkos);
    const drawn = await traceOf(atWorkos!.traceId);
    expect(drawn).toContain('  find key workos');
    expect(drawn).toContain('    WorkOS validate_key');
    expect(drawn.at(-1)).toBe('  verify key valid workos');
  });

  test('has the times of a request on the fast path', async () => {
    const key = await createKey(service, owner);
    await warm(key.value);
    const { traceId, parentId, headers } = newTrace({ sampled: true });
    const fromMs = Date.now();
    const { headers: answered } = await verify(key.value, { headers });
    const toMs = Date.now();
    await traceOf(traceId);
    const [request, child] = spansOf(traceId)
      .toSorted((a, b) => a.kind - b.kind)
      .toReversed();
    expect(request).toMatchObject({
      kind: SERVER,
      parentId,
      attributes: {
        'http.request.method': 'POST',
        'http.route': VERIFY,
        'http.response.status_code': 200,
        'latchkey.request_id': answered.get('x-request-id'),
      },
    });
    expect(child).toMatchObject({ name: 'verify key', parentId: request?.spanId });
    for (const span of [request!, child!]) {
      expect(span.fromMs).toBeGreaterThan(fromMs - 50);
      expect(span.toMs).toBeGreaterThanOrEqual(span.fromMs);
      expect(span.toMs).toBeLessThan(toMs + 50);
    }
  });

  test('makes no span on the fast path without a sampled traceparent, whatever the SDK would sample', async () => {
    const key = await createKey(service, owner);
    await warm(key.value);
    await sleep(200);
    const before = service.spans().length;
    const unsampled = newTrace({ sampled: false });
    const requests = [{}, unsampled.headers, { traceparent: `${unsampled.headers.traceparent.slice(0, -1)}1x` }];
    for (const headers of requests)
      expect((await verify(key.value, { headers })).body).toMatchObject({
        source: 'cache',
      });
    const forwarded = await call(service, 'GET', '/v1/auth/forward', { token: key.value, headers: unsampled.headers });
    expect(forwarded.status).toBe(200);
    await sleep(200);
    expect(service.spans().length).toBe(before);
  });
});

test('GET /v1/auth/forward shows the decision on a sampled request', async () => {
  const key = await createKey(service, owner);
  const [cold, cached] = [newTrace({ sampled: true }), newTrace({ sampled: true })];
  await call(service, 'GET', '/v1/auth/forward', { token: key.value, ...cold });
  expect(await traceOf(cold.traceId)).toEqual([
    'GET /v1/auth/forward',
    '  authenticate',
    '    find key mirror',
    '      SELECT',
    '  verify key valid mirror',
  ]);
  await warm(key.value);
  await call(service, 'GET', '/v1/auth/forward', { token: key.value, ...cached });
  expect(await traceOf(cached.traceId)).toEqual(['GET /v1/auth/forward', '  verify key valid cache']);
});

const many = (count: number) => Array.from({ length: count }, () => newTrace({ sampled: true }));

describe('a request that waits', () => {
  test('shows the wait for a connection to the database', async () => {
    const traces = many(20);
    await Promise.all(traces.map(({ headers }) => call(service, 'GET', '/v1/api-keys', { token: owner, headers })));
    const drawn = await Promise.all(traces.map(({ traceId }) => traceOf(traceId)));
    expect(drawn.flat().map((line) => line.trim())).toContain('wait for connection');
  });

  test('shows the wait for a turn to ask WorkOS', async () => {
    const traces = many(6);
    await Promise.all(traces.map((one, index) => verify(`sk_nobodys_key_but_long_enough_${index}`, one)));
    const drawn = await Promise.all(traces.map(({ traceId }) => traceOf(traceId)));
    const waited = drawn.filter((lines) => lines.includes('    wait for turn'));
    expect([waited.length > 0, waited.length < traces.length]).toEqual([true, true]);
    for (const lines of waited)
      expect(lines.indexOf('    wait for turn')).toBeLessThan(lines.indexOf('    WorkOS validate_key'));
  });
});

test('makes no span for an unsampled request, health, metrics, or a loop', async () => {
  await sleep(200);
  const before = service.spans().length;
  const { headers } = newTrace({ sampled: false });
  await call(service, 'GET', '/v1/organization', { token: owner, headers });
  for (const path of ['/healthz', '/readyz', '/metrics']) await fetch(`${service.url}${path}`);
  await sleep(1_500);
  expect(service.spans().length).toBe(before);
});

test('sends WorkOS no traceparent', () => {
  expect(service.sent.length).toBeGreaterThan(2);
  expect(service.sent.filter(({ traceparent, tracestate, baggage }) => traceparent ?? tracestate ?? baggage)).toEqual(
    [],
  );
});

test('has no secret, statement, message or id of a tenant in any span', async () => {
  const key = await createKey(service, owner);
  for (const at of [`/v1/api-keys/${key.id}`, `/v1/nothing/${key.value}?api_key=${key.value}`])
    await call(service, 'GET', at, { token: key.value, headers: newTrace({ sampled: true }).headers });
  await call(service, 'GET', '/v1/organization', { token: `${key.value}x` });
  await sleep(200);
  const text = JSON.stringify(service.spans());
  const { rows } = await service.db.raw<{ rows: { value: string }[] }>(
    `select secret_hash::text as value from api_keys where secret_hash is not null
     union all select workos_id from api_keys where workos_id is not null`,
  );
  expect(rows.length).toBeGreaterThan(5);
  const hidden = [
    key.value,
    owner,
    SERVICE_TOKEN,
    acme.id,
    'traced',
    ...service.secrets,
    ...rows.map(({ value }) => value),
  ];
  expect(hidden.filter((value) => value !== '' && text.includes(value))).toEqual([]);
  expect(text).not.toMatch(/\b(?:select|insert into|update|from|where) /i);
  const attributes = new Set(service.spans().flatMap((span) => Object.keys(span.attributes)));
  expect([...attributes].toSorted()).toEqual([
    'db.operation.name',
    'db.system.name',
    'error.type',
    'http.request.method',
    'http.response.status_code',
    'http.route',
    'latchkey.budget',
    'latchkey.caller',
    'latchkey.request_id',
    'latchkey.verify.code',
    'latchkey.verify.source',
    'latchkey.workos.operation',
  ]);
});
