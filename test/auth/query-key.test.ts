import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { makeAuthenticate } from '../../src/auth/authenticate.ts';
import { credentialInvalid } from '../../src/auth/credentials.ts';
import { createApiKeyGuard } from '../../src/client/express.ts';
import { makeErrorHandler } from '../../src/http/error-handler.ts';
import { EventStreamAnswer } from '../../src/http/server/event-stream.ts';
import { mountRoutes } from '../../src/http/mount.ts';
import { assignRequestId } from '../../src/http/request-id.ts';
import { tenantRoute } from '../../src/http/route.ts';
import { call, createKey, outcome } from '../support/api.ts';
import { rawCall } from '../support/raw.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';

const service = await startService({ LATCHKEY_LOG_ACCEPTED_SHARE: '1' });
const acme = await service.organizations.add();
const session = await acme.session('owner');
const key = await createKey(service, session);
const other = await createKey(service, session);
const { value } = key;

const OK = [200, undefined];
const MISSING = [401, 'credential_missing'];
const INVALID = [401, 'credential_invalid'];
const EVENTS = { accept: 'text/event-stream' };

const nothing = () => Promise.resolve();
const forward = (headers: Record<string, string>, query = '') =>
  call(service, 'GET', `/v1/auth/forward${query}`, { headers });

const uri = (one: string) => ({ ...EVENTS, 'x-forwarded-uri': `/?api_key=${one}` });

describe('GET /v1/auth/forward', () => {
  test.each(['x-forwarded-uri', 'x-original-uri', 'x-original-url'])(
    'judges the key in the address that a proxy sends in %s',
    async (name) => {
      for (const address of [`/tasks?api_key=${value}`, `https://api.test/tasks?a=1&api_key=${value}&b=%20`]) {
        const answer = await forward({ ...EVENTS, [name]: address });
        expect([answer.status, answer.headers.get('x-latchkey-key-id')]).toEqual([200, key.id]);
      }
    },
  );

  test.each<[string, Record<string, string>]>([
    ['does not accept events', { accept: 'application/json' }],
    ['accepts something like it', { accept: 'text/event-streams' }],
    ['says nothing of what it accepts', {}],
    ['is no GET', { ...EVENTS, 'x-forwarded-method': 'POST' }],
  ])('ignores the key of a forwarded request that %s', async (_what, headers) => {
    expect(outcome(await forward({ ...headers, 'x-forwarded-uri': `/tasks?api_key=${value}` }))).toEqual(MISSING);
  });

  test('accepts an Accept header that names event streams among other types', async () => {
    const headers = { accept: 'text/html, text/event-stream;q=0.9', 'x-forwarded-uri': `/?api_key=${value}` };
    expect(outcome(await forward(headers))).toEqual(OK);
  });

  test('returns 401 for two keys that differ, wherever they are, also when one is in memory', async () => {
    expect(outcome(await forward({ 'x-api-key': value }))).toEqual(OK);
    expect(outcome(await forward({ ...uri(value), 'x-api-key': value }))).toEqual(OK);
    expect(outcome(await forward({ ...uri(other.value), 'x-api-key': value }))).toEqual(INVALID);
    expect(outcome(await forward({ ...uri(`${value}&api_key=${other.value}`) }))).toEqual(INVALID);
    expect(outcome(await forward({ ...uri(value), 'x-original-uri': `/?api_key=${other.value}` }))).toEqual(INVALID);
    // Whose address is not for events has no key there.
    const quiet = { 'x-forwarded-uri': `/?api_key=${other.value}`, 'x-api-key': value };
    expect(outcome(await forward(quiet))).toEqual(OK);
  });

  test('returns 401 for a malformed key in an address, as in a header', async () => {
    for (const rubbish of ['', 'x', 'sk_nobodys_key_but_long_enough', '%', SERVICE_TOKEN, `sk_${'x'.repeat(9_000)}`])
      expect(outcome(await forward({ ...EVENTS, 'x-forwarded-uri': `/?api_key=${rubbish}` }))).toEqual(INVALID);
    expect(outcome(await forward({ ...EVENTS, 'x-forwarded-uri': `/?api%5Fkey=${value}` }))).toEqual(MISSING);
  });
});

test('returns 401 and the reason for a session token in an address, whatever else is sent', async () => {
  const refused = { code: 'credential_invalid', details: { credential: 'access_token' } };
  for (const headers of [EVENTS, {}, { 'x-api-key': value }]) {
    const { body } = await forward({ ...headers, 'x-forwarded-uri': `/?api_key=${session}` });
    expect(body.error).toMatchObject({ ...refused, message: expect.stringContaining('Send it in a header') });
  }
  for (const name of ['api_key', 'access_token', 'token']) {
    for (const headers of [{}, EVENTS, { authorization: `Bearer ${session}` }]) {
      for (const path of ['/v1/api-keys', '/v1/invalidations', '/v1/auth/forward']) {
        const { body } = await call(service, 'GET', `${path}?${name}=${session}`, { headers });
        expect(body.error).toMatchObject(refused);
      }
    }
  }
});

test('ignores a key in the address on any other route', async () => {
  for (const path of ['/v1/api-keys', '/v1/me/session', '/v1/invalidations', '/v1/auth/forward'])
    expect(outcome(await call(service, 'GET', `${path}?api_key=${value}`, { headers: EVENTS }))).toEqual(MISSING);
});

test('accepts a key in the address of an event stream for keys, and of no other route', async () => {
  const route = { method: 'get', tag: 'x', summary: 'x', scope: [], billing: 'read', errors: [] } as const;
  const stream = tenantRoute({
    ...route,
    operationId: 'stream',
    path: '/stream',
    responses: { 200: EventStreamAnswer },
    handle: ({ caller }) => Promise.resolve((to) => void to.end(`data: ${caller.organizationId}\n\n`)),
  });
  const plain = tenantRoute({
    ...route,
    operationId: 'plain',
    path: '/plain',
    responses: { 200: z.object({}) },
    handle: () => Promise.resolve({}),
  });
  const authenticate = makeAuthenticate({
    isKey: (key: string) => key.startsWith('sk_'),
    verifyToken: () => Promise.reject(new Error('no token')),
    findServiceToken: () => undefined,
    findCiSession: () => Promise.reject(new Error('no CI session')),
    findUserSession: () => Promise.reject(new Error('no session')),
    async findApiKey(presented) {
      if (presented !== value) throw credentialInvalid();
      return { kind: 'api_key', organizationId: 'org_a', scopes: new Set() } as never;
    },
    cookies: { read: () => undefined },
    unsealSession: () => Promise.resolve(undefined),
    failures: {
      count: () => Promise.resolve(undefined),
      refusal: () => new Error('x') as never,
      headersOf: () => ({}),
    },
  });
  const guards = {
    assertCurrent: () => undefined,
    authenticate,
    assertAddress: nothing,
    admitKey: nothing,
    assertBilling: nothing,
    takeExport: () => () => undefined,
    impersonatedMay: new Set<string>(),
  };
  const app = express().use(
    assignRequestId,
    mountRoutes([stream, plain], { ...guards, keyAnswered: () => undefined, strict: true }),
    makeErrorHandler({ log: { error: () => undefined, warn: () => undefined }, isDatabaseUnavailable: () => false }),
  );
  const url = await serve(app);
  const get = async (path: string, headers: Record<string, string> = EVENTS) => {
    const response = await fetch(`${url}${path}`, { headers });
    return [response.status, await response.text()];
  };
  expect(await get(`/stream?api_key=${value}`)).toEqual([200, 'data: org_a\n\n']);
  expect((await get(`/stream?api_key=${value}`, {}))[0]).toBe(401);
  expect((await get(`/stream?api_key=${value}`, { ...EVENTS, 'x-api-key': 'sk_another' }))[0]).toBe(401);
  expect((await get(`/stream?api_key=${value}&other=1`))[0]).toBe(400);
  expect((await get(`/plain?api_key=${value}`))[0]).toBe(401);
  expect((await get('/plain', { 'x-api-key': value }))[0]).toBe(200);
});

describe('createApiKeyGuard', () => {
  test('accepts a key in the address where that is allowed', async () => {
    const guard = createApiKeyGuard({ baseUrl: service.url, token: SERVICE_TOKEN });
    onTestFinished(() => guard.close());
    const app = express();
    app.all('/open', guard.require({ allowQuery: true }), (req, res) => void res.send(req.apiKey?.id));
    app.all('/closed', guard.require(), (_req, res) => void res.send('in'));
    const url = await serve(app);
    const ask = async (path: string, headers: Record<string, string> = EVENTS, method = 'GET') => {
      const response = await fetch(`${url}${path}`, { headers, method });
      return [response.status, await response.text()];
    };
    expect(await ask(`/open?api_key=${value}`)).toEqual([200, key.id]);
    expect(await ask(`/open?api_key=${value}`, { ...EVENTS, 'x-api-key': value })).toEqual([200, key.id]);
    expect((await ask(`/open?api_key=${value}`, { ...EVENTS, 'x-api-key': other.value }))[0]).toBe(401);
    expect((await ask(`/open?api_key=${value}`, {}))[0]).toBe(401);
    expect((await ask(`/open?api_key=${value}`, EVENTS, 'POST'))[0]).toBe(401);
    expect((await ask(`/closed?api_key=${value}`))[0]).toBe(401);
    const [status, text] = await ask(`/open?api_key=${session}`);
    expect([status, text]).toEqual([401, expect.stringContaining('Send it in a header')]);
  });

  test('judges a key with an allow list by the address of each request', async () => {
    const bound = await createKey(service, session, { ip_allow_list: ['192.0.2.0/24'] });
    const guard = createApiKeyGuard({
      baseUrl: service.url,
      token: SERVICE_TOKEN,
      cache: { staleGraceMs: 60_000, replicaLagMs: 0 },
    });
    onTestFinished(() => guard.close());
    const app = express().set('trust proxy', 1);
    app.get('/', guard.require(), (_req, res) => void res.send('in'));
    const url = await serve(app);
    const from = async (ip: string) =>
      (await fetch(url, { headers: { 'x-api-key': bound.value, 'x-forwarded-for': ip } })).status;
    await expect.poll(guard.isTrusting).toBe(true);
    const inside = Array.from({ length: 4 }, (_, i) => from(`192.0.2.${i}`));
    const outside = Array.from({ length: 4 }, (_, i) => from(`198.51.100.${i}`));
    expect(await Promise.all([...inside, ...outside])).toEqual([200, 200, 200, 200, 403, 403, 403, 403]);
    expect([await from('192.0.2.9'), await from('198.51.100.9'), await from('192.0.2.9')]).toEqual([200, 403, 200]);
  });
});

test('logs no key, and no address with a key', async () => {
  const paths = ['/v1/auth/forward', '/v1/invalidations', '/nowhere', '/v1/api-keys/%', '/v1/auth/forward/x'];
  for (const path of paths) {
    for (const headers of [EVENTS, {}, { ...EVENTS, 'x-forwarded-uri': `/tasks?api_key=${value}` }])
      await rawCall(service, 'GET', `${path}?api_key=${value}`, { headers });
  }
  const before = service.logs.length;
  await service.db.raw('alter table api_keys rename to api_keys_away');
  service.trust.onLost();
  try {
    const broken = await forward({ ...EVENTS, 'x-forwarded-uri': `/tasks?api_key=${value}` });
    expect(broken.status).toBe(500);
  } finally {
    await service.db.raw('alter table api_keys_away rename to api_keys');
    service.trust.onOpen();
  }
  expect(service.logs.slice(before).some((line) => line.includes('unhandled error'))).toBe(true);
  expect(service.logs.length).toBeGreaterThan(20);
  for (const line of service.logs) {
    for (const secret of [value, other.value, session, 'api_key=']) expect(line).not.toContain(secret);
  }
});

async function serve(app: express.Express): Promise<string> {
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
