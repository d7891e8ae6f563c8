import type { IncomingHttpHeaders } from 'node:http';
import { describe, expect, test } from 'vitest';
import { call, createKey } from '../support/api.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';
import { isInstalled, proxyLogs, readExample, startApi, startProxy } from './proxy.ts';
import { standInEnvoy } from './stand-in-envoy.ts';
import { standInTraefik } from './stand-in-traefik.ts';

const service = await startService(
  {},
  { product: { api_keys: { prefixes: ['sk_'], owners: ['organization', 'user'] } } },
);
const api = await startApi();
const ports = { latchkey: Number(new URL(service.url).port), api: api.port };
const acme = await service.organizations.add();
const key = await createKey(service, await acme.session('owner'), { permission_set: 'full_access' });
const SCOPES = ['caps:write', 'workspace:read', 'workspace:write', 'tasks:write', 'audit:read'];
const holder = await acme.session('owner', { permissions: [...SCOPES, 'apikeys:write:own'] });
const personalKey = await createKey(service, holder, { owner: 'user', permission_set: 'full_access' });

/** What an API behind a proxy may believe of a key, and nothing else may reach it under these names. */
const identityOf = ({ id }: { id: string }, ownerId?: string) => ({
  'x-latchkey-organization-id': acme.id,
  'x-latchkey-key-id': id,
  'x-latchkey-environment': 'live',
  'x-latchkey-scopes': SCOPES.join(' '),
  'x-latchkey-permission-set': 'full_access',
  ...(ownerId !== undefined && { 'x-latchkey-owner-id': ownerId }),
});
const IDENTITY_HEADERS = Object.keys(identityOf(key, 'user_of_a_personal_key'));
const identityIn = (headers: IncomingHttpHeaders | undefined) =>
  Object.fromEntries(Object.entries(headers ?? {}).filter(([name]) => name.startsWith('x-latchkey-')));

// Of these there is no package that CI installs. Where the program is, it is used; elsewhere it is played, see
// stand-in-proxies.ts.
const traefik = isInstalled('traefik')
  ? {
      name: 'Traefik',
      url: await startProxy(
        {
          example: 'traefik.yaml',
          beside: 'traefik-dynamic.yaml',
          command: (file) => ['traefik', `--configFile=${file}`],
        },
        ports,
      ),
    }
  : {
      name: 'Traefik, played as it is documented',
      url: await standInTraefik('traefik.yaml', (example) => readExample(example, ports)),
    };
const envoy = isInstalled('envoy')
  ? { name: 'Envoy', url: await startProxy({ example: 'envoy.yaml', command: (file) => ['envoy', '-c', file] }, ports) }
  : {
      name: 'Envoy, played as it is documented',
      url: await standInEnvoy(await readExample('envoy.yaml', ports)),
    };

describe.each([
  {
    name: 'nginx',
    // Only 401 and 403 pass through auth_request.
    refusedCreate: 403,
    clearsByName: true,
    url: await startProxy(
      {
        example: 'nginx.conf',
        command: (file, folder) => ['nginx', '-p', folder, '-e', 'stderr', '-c', file, '-g', 'daemon off;'],
      },
      ports,
    ),
  },
  {
    name: 'Caddy',
    refusedCreate: 423,
    url: await startProxy(
      { example: 'Caddyfile', command: (file) => ['caddy', 'run', '--adapter', 'caddyfile', '--config', file] },
      ports,
    ),
  },
  { ...traefik, refusedCreate: 423 },
  { ...envoy, refusedCreate: 423 },
])('$name', ({ url, refusedCreate, clearsByName = false }) => {
  const ask = (headers: Record<string, string>, method = 'GET') => fetch(`${url}/tasks/1`, { method, headers });

  test('passes a good key on as who it is, and not the key', async () => {
    const answer = await ask({ 'x-api-key': key.value });
    expect([answer.status, await answer.text()]).toEqual([200, 'from the API']);
    const headers = api.seen.at(-1);
    expect(headers).toMatchObject({
      'x-latchkey-organization-id': acme.id,
      'x-latchkey-key-id': key.id,
      'x-latchkey-scopes': 'caps:write workspace:read workspace:write tasks:write audit:read',
    });
    expect(JSON.stringify(headers)).not.toContain(key.value);
  });

  test('passes a bearer on, beside a session cookie', async () => {
    const headers = { authorization: `Bearer ${key.value}`, cookie: 'wos_session=something' };
    expect((await ask(headers)).status).toBe(200);
    expect(JSON.stringify(api.seen.at(-1))).not.toContain(key.value);
  });

  test('passes an event stream on whose key is in its address, and nothing else with such an address', async () => {
    const events = (path: string, accept = 'text/event-stream', method = 'GET') =>
      fetch(`${url}/tasks/${path}?a=1&api_key=${key.value}`, { method, headers: { accept } });
    expect((await events('1')).status).toBe(200);
    expect(api.seen.at(-1)).toMatchObject({ 'x-latchkey-key-id': key.id });
    expect(JSON.stringify(api.seen.at(-1))).not.toContain('x-original-uri');
    expect((await events('1', 'application/json')).status).toBe(401);
    expect((await events('1', 'text/event-stream', 'POST')).status).toBe(401);
    const token = await fetch(`${url}/tasks/1?api_key=${await acme.session('owner')}`, {
      headers: { accept: 'text/event-stream' },
    });
    expect(token.status).toBe(401);
    // What the proxy has to complain of names no key.
    await events('broken').catch(() => undefined);
    for (const text of [...proxyLogs, ...service.logs]) expect(text).not.toContain(key.value);
  });

  test.each([
    ['an organization', key, undefined],
    ['a person', personalKey, acme.userId('owner')],
  ])('passes on nothing that a client with a key of %s says of itself', async (_, { value, id }, ownerId) => {
    const identity = identityOf({ id }, ownerId);
    await ask({ 'x-api-key': value });
    expect(identityIn(api.seen.at(-1))).toEqual(identity);
    for (const name of IDENTITY_HEADERS) {
      for (const spelled of [name, name.toUpperCase()]) {
        await ask({ 'x-api-key': value, [spelled]: 'forged' });
        expect([spelled, identityIn(api.seen.at(-1))]).toEqual([spelled, identity]);
      }
    }
    await ask({ 'x-api-key': value, ...Object.fromEntries(IDENTITY_HEADERS.map((name) => [name, 'forged'])) });
    expect(identityIn(api.seen.at(-1))).toEqual(identity);
  });

  // nginx clears only what it names; its example says so.
  test.skipIf(clearsByName)('clears every header of the prefix, known or not', async () => {
    await ask({ 'x-api-key': key.value, 'x-latchkey-role': 'forged', 'x-latchkey-': 'forged' });
    expect(identityIn(api.seen.at(-1))).toEqual(identityOf(key));
  });

  test('lets nothing through without a key, with a wrong key, or with one that lacks the scope', async () => {
    const reader = await createKey(service, await acme.session('owner'), { permission_set: 'read_only' });
    const before = api.seen.length;
    expect((await ask({})).status).toBe(401);
    expect((await ask({ 'x-api-key': 'sk_nobodys_key_but_long_enough' })).status).toBe(401);
    expect((await ask({ 'x-api-key': reader.value })).status).toBe(403);
    expect(api.seen).toHaveLength(before);
  });

  test('refuses to create when billing does not allow it, and lets read and wind down', async () => {
    const other = await service.organizations.add();
    const late = await createKey(service, await other.session('owner'), { permission_set: 'full_access' });
    const headers = { 'x-api-key': late.value };
    expect((await ask(headers, 'POST')).status).toBe(200);
    const path = `/v1/organizations/${other.id}/billing`;
    await call(service, 'PUT', path, { token: SERVICE_TOKEN, body: { status: 'past_due' } });
    expect((await ask(headers, 'POST')).status).toBe(refusedCreate);
    expect((await ask(headers, 'GET')).status).toBe(200);
    expect((await ask(headers, 'DELETE')).status).toBe(200);
  });

  test('refuses a key from the moment it is revoked', async () => {
    const doomed = await createKey(service, await acme.session('owner'), { permission_set: 'full_access' });
    const headers = { 'x-api-key': doomed.value };
    expect((await ask(headers)).status).toBe(200);
    await call(service, 'DELETE', `/v1/api-keys/${doomed.id}`, { token: await acme.session('owner') });
    expect((await ask(headers)).status).toBe(401);
  });
});
