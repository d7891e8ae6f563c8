import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Emulator } from '../../src/emulator/emulator.ts';
import { call, sdk, startDemo } from './harness.ts';

const PATH = '/organizations/:id/api_keys';
let emulator: Emulator;
beforeAll(async () => {
  emulator = await startDemo();
});
afterEach(() => emulator.faults.clear());
afterAll(() => emulator.close());

/** Past the contract check: most answers here are meant to be broken. */
const create = (options: RequestInit = {}): Promise<Response> =>
  fetch(`${emulator.url}/organizations/org_acme/api_keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${emulator.apiKey}`, 'content-type': 'application/json' },
    body: '{"name":"x"}',
    ...options,
  });
const countKeys = async (): Promise<number> => (await call(emulator, 'GET', '/_emulator/state')).body.api_keys;
const patience = () => ({ signal: AbortSignal.timeout(150) });

const statuses = async (count: number): Promise<number[]> => {
  const seen: number[] = [];
  for (let index = 0; index < count; index += 1) seen.push((await create()).status);
  return seen;
};

const control = (method: string, options: object = {}) => call(emulator, method, '/_emulator/faults', options);

describe('faults before the work', () => {
  it('latency delays the usual answer', async () => {
    emulator.faults.add({ kind: 'latency', ms: 120, path: PATH });
    const before = performance.now();
    expect((await create()).status).toBe(201);
    expect(performance.now() - before).toBeGreaterThanOrEqual(115);
  });

  it('status answers the given status without doing the work', async () => {
    const before = await countKeys();
    emulator.faults.add({
      kind: 'status',
      status: 429,
      headers: { 'retry-after': '7' },
      body: { message: 'slow down' },
      path: PATH,
    });
    const response = await create();
    expect(response.status).toBe(429);
    expect(response.headers.get('retry-after')).toBe('7');
    expect(await response.json()).toEqual({ message: 'slow down' });
    emulator.faults.add({ kind: 'status', status: 503, path: PATH });
    const unavailable = await create();
    expect(unavailable.status).toBe(503);
    expect(unavailable.headers.has('retry-after')).toBe(false);
    expect(await unavailable.json()).toMatchObject({ message: expect.any(String) });
    expect(await countKeys()).toBe(before);
  });

  it('html answers 502 with an HTML page', async () => {
    emulator.faults.add({ kind: 'html' });
    const response = await create();
    expect(response.status).toBe(502);
    expect(response.headers.get('content-type')).toBe('text/html');
    expect(await response.text()).toContain('<html>');
  });

  it('reset_before closes the connection without doing the work', async () => {
    const before = await countKeys();
    emulator.faults.add({ kind: 'reset_before', path: PATH });
    await expect(create()).rejects.toThrow('fetch failed');
    expect(await countKeys()).toBe(before);
  });

  it('hang never answers, without doing the work', async () => {
    const before = await countKeys();
    emulator.faults.add({ kind: 'hang', path: PATH });
    await expect(create(patience())).rejects.toThrow(/timeout/);
    expect(await countKeys()).toBe(before);
  });
});

describe('faults after the work', () => {
  it.each([
    ['reset_after', 'fetch failed'],
    ['lost_answer', 'timeout'],
  ] as const)('%s does the work and keeps the answer', async (kind, message) => {
    const before = await countKeys();
    emulator.faults.add({ kind, path: PATH });
    await expect(create(patience())).rejects.toThrow(message);
    expect(await countKeys()).toBe(before + 1);
  });

  it.each([
    ['malformed_json', 'application/json', /^\{"object".*(?:[^}]|\{"version":2\})$/],
    ['empty_body', 'application/json', /^$/],
    ['wrong_content_type', 'text/plain', /^\{"object".*\}$/],
  ] as const)('%s does the work and spoils the answer', async (kind, contentType, body) => {
    const before = await countKeys();
    emulator.faults.add({ kind, path: PATH });
    const response = await create();
    expect(response.status).toBe(201);
    expect(response.headers.get('content-type')).toBe(contentType);
    expect(await response.text()).toMatch(body);
    expect(await countKeys()).toBe(before + 1);
  });

  it.each([
    ['iso-8859-1', 'iso-8859-1', 'Schlüssel'],
    ['utf-16', 'utf-16be', 'Schlüssel'],
    ['mislabelled', 'utf-8', 'Schl\uFFFDssel'],
  ] as const)('charset %s does the work and answers in it', async (charset, decoder, name) => {
    emulator.faults.add({ kind: 'charset', charset, path: PATH });
    const response = await create({ body: '{"name":"Schlüssel"}' });
    const text = new TextDecoder(decoder).decode(await response.arrayBuffer());
    expect([response.status, JSON.parse(text).name]).toEqual([201, name]);
  });

  it('a retry with the same idempotency key gets the answer that was lost', async () => {
    emulator.behave({ replays_creates: true });
    const before = await countKeys();
    emulator.faults.add({ kind: 'reset_after', path: PATH });
    const created = await sdk(emulator, { maxRetries: 1 }).apiKeys.createOrganizationApiKey({
      organizationId: 'org_acme',
      name: 'Retried',
    });
    expect(created.value).toMatch(/^sk_/);
    expect(await countKeys()).toBe(before + 1);
  });
});

describe('a fault', () => {
  it('applies once, or `times` times, after the first `after` requests', async () => {
    emulator.faults.add({ kind: 'status', status: 500 });
    expect(await statuses(2)).toEqual([500, 201]);
    emulator.faults.add({ kind: 'status', status: 500, times: 2, after: 1 });
    expect(await statuses(4)).toEqual([201, 500, 500, 201]);
  });

  it('applies with times 0 until it is cleared', async () => {
    emulator.faults.add({ kind: 'status', status: 500, times: 0 });
    expect(await statuses(4)).toEqual([500, 500, 500, 500]);
    emulator.faults.clear();
    expect(await statuses(1)).toEqual([201]);
  });

  it('applies to its method and path only, by prefix or pattern', async () => {
    const status = async (method: string, path: string) =>
      (await fetch(`${emulator.url}${path}`, { method, headers: { authorization: `Bearer ${emulator.apiKey}` } }))
        .status;
    emulator.faults.add({ kind: 'status', status: 500, times: 0, method: 'get', path: '/organizations/:id' });
    expect(await status('GET', '/organizations/org_acme')).toBe(500);
    expect(await status('GET', '/organizations/org_acme/api_keys')).toBe(200);
    expect(await status('GET', '/organizations')).toBe(200);
    expect(await status('PUT', '/organizations/org_acme')).toBe(200);
    emulator.faults.clear();
    emulator.faults.add({ kind: 'status', status: 500, times: 0, path: '/organizations' });
    expect(await status('GET', '/organizations/org_acme/api_keys')).toBe(500);
    expect(await status('GET', '/events')).toBe(200);
  });

  it('is added, listed and cleared over HTTP, with the environment secret only', async () => {
    const fault = { kind: 'status', status: 409, path: '/organizations' };
    expect(await control('POST', { body: fault, key: 'sk_wrong' })).toMatchObject({ status: 401 });
    expect(await control('POST', { body: { kind: 'mischief' } })).toMatchObject({ status: 422 });
    expect(await control('POST', { body: fault })).toMatchObject({ status: 201 });
    expect((await create()).status).toBe(409);
    expect((await control('GET')).body.data).toMatchObject([{ fault, met: 1, seen: 1 }]);
    expect((await control('DELETE')).body.data).toEqual([]);
  });

  it('keeps its requests in the journal, with status 0 where no answer was sent', async () => {
    emulator.faults.add({ kind: 'reset_before' });
    await create().catch(() => undefined);
    await create();
    const seen = emulator.requests().slice(-2);
    const request = { method: 'POST', path: '/organizations/org_acme/api_keys' };
    expect(seen).toEqual([
      { ...request, status: 0 },
      { ...request, status: 201 },
    ]);
    const { body } = await call(emulator, 'GET', '/_emulator/requests');
    expect(body.data.slice(-2)).toEqual(seen);
  });
});
