import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express from 'express';
import { afterAll, describe, expect, test } from 'vitest';
import { makeSessionCookies } from '../../src/auth/session-cookie.ts';
import { consolePages } from '../../src/console-server/page-routes.ts';
import { assignRequestId } from '../../src/http/request-id.ts';
import { makeErrorHandler } from '../../src/http/error-handler.ts';
import { call } from '../support/api.ts';
import { startService } from '../support/service.ts';

const PAGE = '<!doctype html><html lang="en"><title>console</title>';
const SIGNED_OUT_PAGE = PAGE.replace('<html', '<html data-signed-out');
const COOKIE = { cookie: 'wos_session=sealed' };
const log = { error: () => undefined, warn: () => undefined };

/** Serves a folder as the console. */
async function serve(folder: string, frameAncestors: readonly string[] = [], elementOrigins: readonly string[] = []) {
  const app = express();
  app.use(
    assignRequestId,
    consolePages({ folder, frameAncestors, elementOrigins, cookies: makeSessionCookies(undefined) }),
  );
  app.use(makeErrorHandler({ log, isDatabaseUnavailable: () => false }));
  const server = createServer(app).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  afterAll(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function folderWith(files: Readonly<Record<string, string>>) {
  const folder = await mkdtemp(join(tmpdir(), 'console-'));
  afterAll(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, 'assets'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

const folder = await folderWith({
  'index.html': PAGE,
  'assets/app-x1.js': 'start()',
  'assets/app-x1.css': 'a{}',
  'assets/secret.env': 'x',
  'latchkey-keys.js': 'element()',
  'latchkey-keys.de.js': 'german()',
});
const url = await serve(folder);
const get = (path: string, headers: Record<string, string> = {}, at = url) => fetch(at + path, { headers });

describe('GET /console', () => {
  test.each(['/console', '/console/', '/console/keys', '/console/keys/key_1/usage', '/console/keys?q=a.b'])(
    'returns the page for %s, revalidated each time',
    async (path) => {
      const response = await get(path, COOKIE);
      expect([response.status, await response.text()]).toEqual([200, PAGE]);
      expect(response.headers.get('cache-control')).toBe('no-cache');
      const etag = response.headers.get('etag')!;
      expect((await get(path, { ...COOKIE, 'if-none-match': etag })).status).toBe(304);
    },
  );

  test('marks the page of a browser without a session, also for one that had it', async () => {
    const etag = (await get('/console/keys', COOKIE)).headers.get('etag')!;
    const response = await get('/console/keys', { 'if-none-match': etag });
    expect([response.status, await response.text()]).toEqual([200, SIGNED_OUT_PAGE]);
    expect(response.headers.get('link')).toBeNull();
  });

  test.each(['/console/signed-out', '/console/signed-in'])('shows %s without a session', async (path) => {
    for (const headers of [{}, COOKIE]) {
      const response = await get(path, headers);
      expect([await response.text(), response.headers.get('link')]).toEqual([PAGE, null]);
    }
  });

  test.each([
    ['/console/keys', ['/v1/me/session', '/v1/product', '/v1/organization', '/v1/api-keys']],
    ['/console/keys?q=ci', ['/v1/me/session', '/v1/product', '/v1/organization']],
    ['/console/usage', ['/v1/me/session', '/v1/product', '/v1/organization']],
  ])('preloads for %s what its first screen shows', async (path, preloaded) => {
    const link = (await get(path, COOKIE)).headers.get('link')!;
    expect(
      [...link.matchAll(/<([^?>]+)[^>]*>; rel=preload; as=fetch; crossorigin=anonymous/g)].map(([, at]) => at),
    ).toEqual(preloaded);
  });

  test('allows own scripts, styles and requests alone, and no frame', async () => {
    const { headers } = await get('/console');
    const directives = headers.get('content-security-policy')!.split(';');
    expect(directives.toSorted()).toEqual([
      "base-uri 'none'",
      "connect-src 'self'",
      "default-src 'none'",
      "font-src 'self'",
      "form-action 'self'",
      "frame-ancestors 'none'",
      "img-src 'self' data:",
      "manifest-src 'self'",
      "require-trusted-types-for 'script'",
      "script-src 'self'",
      "style-src 'self'",
      "trusted-types 'none'",
    ]);
    expect(headers.get('x-frame-options')).toBe('DENY');
  });

  test('may be framed by the configured origins', async () => {
    const framed = await serve(folder, ['https://app.example.com']);
    const { headers } = await get('/console', {}, framed);
    expect(headers.get('content-security-policy')).toContain('frame-ancestors https://app.example.com;');
    expect(headers.get('x-frame-options')).toBeNull();
  });

  test.each(['POST', 'PUT', 'DELETE'])('returns 405 for %s', async (method) => {
    expect((await fetch(`${url}/console`, { method })).status).toBe(405);
  });

  test('says how to build the console when it is not built, and serves it once it is', async () => {
    const empty = await folderWith({});
    const at = await serve(empty);
    const missing = await get('/console', {}, at);
    expect([missing.status, await missing.text()]).toEqual([404, expect.stringContaining('npm run build:console')]);
    await writeFile(join(empty, 'index.html'), PAGE);
    expect((await get('/console', {}, at)).status).toBe(200);
  });
});

describe('GET /', () => {
  test('leads to the console', async () => {
    const answer = await fetch(url, { redirect: 'manual' });
    expect([answer.status, answer.headers.get('location')]).toEqual([302, '/console']);
    const posted = await fetch(url, { method: 'POST' });
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });
});

describe('GET /console/assets/{name}', () => {
  test('returns a file compressed, cached for ever', async () => {
    const response = await get('/console/assets/app-x1.js', { 'accept-encoding': 'gzip' });
    expect([response.status, await response.text()]).toEqual([200, 'start()']);
    expect(response.headers.get('content-encoding')).toBe('gzip');
    expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(response.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
  });

  test.each([
    '/console/assets/other.js',
    '/console/assets/secret.env',
    '/console/assets/..%2findex.html',
    '/console/assets/__proto__',
    '/console/favicon.ico',
  ])('returns 404 for %s', async (path) => {
    expect((await get(path)).status).toBe(404);
  });
});

describe('GET /console/latchkey-keys.js', () => {
  test('returns the element and its languages, revalidated each time', async () => {
    const response = await get('/console/latchkey-keys.js');
    expect([response.status, await response.text()]).toEqual([200, 'element()']);
    expect(response.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('no-cache');
    const etag = response.headers.get('etag')!;
    expect((await get('/console/latchkey-keys.js', { 'if-none-match': etag })).status).toBe(304);
    expect(await (await get('/console/latchkey-keys.de.js')).text()).toBe('german()');
    expect((await fetch(`${url}/console/latchkey-keys.js`, { method: 'POST' })).status).toBe(405);
  });

  test.each(['/console/latchkey-keys.fr.js', '/console/latchkey-keys.json', '/console/latchkey-keys./index.html.js'])(
    'returns 404 for %s',
    async (path) => {
      expect((await get(path)).status).toBe(404);
    },
  );

  test('may be loaded by pages of the listed origins alone, also from their cache', async () => {
    const at = await serve(folder, [], ['https://app.example.com']);
    const load = (origin: string, more = {}) => get('/console/latchkey-keys.js', { origin, ...more }, at);
    const listed = await load('https://app.example.com');
    const again = await load('https://app.example.com', { 'if-none-match': listed.headers.get('etag')! });
    const other = await load('https://evil.example.com');
    expect([listed, again, other].map(({ headers }) => headers.get('access-control-allow-origin'))).toEqual([
      'https://app.example.com',
      'https://app.example.com',
      null,
    ]);
    for (const { headers } of [listed, other]) expect(headers.get('vary')).toBe('origin, accept-encoding');
  });
});

describe('console.enabled: false', () => {
  test('leaves out the console and its sign-in', async () => {
    const service = await startService({}, { product: { console: { enabled: false } } });
    for (const path of ['/console', '/console/sign-in', '/console/callback'])
      expect((await call(service, 'GET', path)).body.error.code).toBe('route_not_found');
    const home = await fetch(service.url, { redirect: 'manual' });
    expect(home.headers.get('location')).toBe('/docs');
  });
});
