import { describe, expect, test } from 'vitest';
import { createKey } from '../support/api.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';

const PAGE = 'https://app.example.com';
const service = await startService({}, { product: { console: { element_origins: [PAGE] } } });
const closed = await startService();
const acme = await service.organizations.add();

type Sent = { method?: string; origin?: string; headers?: Record<string, string>; body?: string; at?: string };
const ask = (path: string, { method = 'GET', origin = PAGE, headers = {}, body, at = service.url }: Sent = {}) =>
  fetch(at + path, { method, headers: { origin, ...headers }, ...(body !== undefined && { body }) });
const preflight = (path: string, method: string, more: Pick<Sent, 'origin' | 'at'> = {}) =>
  ask(path, {
    ...more,
    method: 'OPTIONS',
    headers: { 'access-control-request-method': method, 'access-control-request-headers': 'authorization' },
  });
const corsOf = ({ headers }: Response) => [...headers.keys()].filter((name) => name.startsWith('access-control-'));

/** What the element asks for; every other route stays closed. */
const OPEN: readonly [string, string][] = [
  ['GET', '/v1/me/session'],
  ['GET', '/v1/product'],
  ['GET', '/v1/organization'],
  ['GET', '/v1/permission-sets'],
  ['GET', '/v1/api-keys/permissions'],
  ['GET', '/v1/api-keys/usage'],
  ['GET', '/v1/api-keys'],
  ['POST', '/v1/api-keys'],
  ['GET', '/v1/api-keys/api_key_1'],
  ['PATCH', '/v1/api-keys/api_key_1'],
  ['DELETE', '/v1/api-keys/api_key_1'],
  ['POST', '/v1/api-keys/api_key_1/rotate'],
];
const SHUT: readonly [string, string][] = [
  ['POST', '/v1/api-keys/verify'],
  ['POST', '/v1/api-keys/verify?x=1'],
  ['POST', '/v1/api-keys/Verify'],
  ['GET', '/v1/auth/forward'],
  ['POST', '/v1/usage'],
  ['POST', '/v1/auth/login'],
  ['POST', '/v1/auth/refresh'],
  ['GET', '/v1/audit-events'],
  ['GET', '/v1/organizations'],
  ['PUT', '/v1/organization/ip-allow-list'],
  ['PUT', '/v1/organizations/org_1/billing'],
  ['DELETE', '/v1/api-keys'],
  ['GET', '/v1/api-keys/api_key_1/usage'],
  ['POST', '/console/refresh'],
  ['POST', '/console/sign-out'],
  ['GET', '/console'],
  ['GET', '/healthz'],
  ['GET', '/metrics'],
];
const STRANGERS = [
  'https://evil.example.com',
  'https://app.example.com.evil.test',
  'http://app.example.com',
  'https://app.example.com:8443',
  'https://APP.example.com',
  'null',
];

describe('console.element_origins', () => {
  test.each(OPEN)('answers the preflight of %s %s for a listed origin, without credentials', async (method, path) => {
    const answer = await preflight(path, method);
    expect(answer.status).toBe(204);
    expect(answer.headers.get('access-control-allow-origin')).toBe(PAGE);
    expect(answer.headers.get('access-control-allow-methods')).toContain(method);
    expect(answer.headers.get('access-control-allow-headers')).toBe('authorization, content-type, idempotency-key');
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
    expect(answer.headers.get('vary')).toContain('origin');
  });

  test.each(SHUT)('opens %s %s to no other origin', async (method, path) => {
    expect(corsOf(await preflight(path, method))).toEqual([]);
    expect(corsOf(await ask(path, { method, headers: { authorization: `Bearer ${SERVICE_TOKEN}` } }))).toEqual([]);
  });

  test.each(STRANGERS)('opens nothing to %s', async (origin) => {
    for (const [method, path] of OPEN) {
      expect(corsOf(await preflight(path, method, { origin }))).toEqual([]);
      expect(corsOf(await ask(path, { method, origin }))).toEqual([]);
    }
    expect(corsOf(await ask('/console/latchkey-keys.js', { origin }))).toEqual([]);
  });

  test('opens nothing unless it is set', async () => {
    for (const [method, path] of OPEN) {
      expect(corsOf(await preflight(path, method, { at: closed.url }))).toEqual([]);
      expect(corsOf(await ask(path, { method, at: closed.url }))).toEqual([]);
    }
  });

  test('lets the page read answers and refusals, and the id of the request', async () => {
    const token = await acme.session();
    const good = await ask('/v1/api-keys', { headers: { authorization: `Bearer ${token}` } });
    const bad = await ask('/v1/api-keys');
    expect([good.status, bad.status]).toEqual([200, 401]);
    for (const { headers } of [good, bad]) {
      expect(headers.get('access-control-allow-origin')).toBe(PAGE);
      expect(headers.get('access-control-expose-headers')).toBe('x-request-id, retry-after');
      expect(headers.get('access-control-allow-credentials')).toBeNull();
    }
  });

  test('keeps the fast paths of verification closed', async () => {
    const { value } = await createKey(service, await acme.session());
    for (const body of [JSON.stringify({ key: value }), JSON.stringify({ keys: [{ key: value }] })]) {
      const answer = await ask('/v1/api-keys/verify', {
        method: 'POST',
        headers: { authorization: `Bearer ${SERVICE_TOKEN}`, 'content-type': 'application/json' },
        body,
      });
      expect([answer.status, corsOf(answer)]).toEqual([200, []]);
    }
    const forwarded = await ask('/v1/auth/forward', { headers: { authorization: `Bearer ${value}` } });
    expect([forwarded.status, corsOf(forwarded)]).toEqual([200, []]);
  });
});
