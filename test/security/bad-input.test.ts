import { afterAll, describe, expect, test } from 'vitest';
import { call, createKey, outcome } from '../support/api.ts';
import { rawCall, rawSocket, readAnswer } from '../support/raw.ts';
import { startService } from '../support/service.ts';
import { expectOrderly } from './expect-orderly.ts';

const service = await startService();
const acme = await service.organizations.add();
const owner = await acme.session('owner');
const key = await createKey(service, owner);

afterAll(() => {
  expect(service.logs.filter((line) => line.includes('"level":"error"'))).toEqual([]);
});

const auth = { authorization: `Bearer ${owner}` };
const json = { ...auth, 'content-type': 'application/json' };
const good = JSON.stringify({ label: 'a key', permission_set: 'read_only' });
const INVALID = [400, 'validation_error'];
const NO_KEY = [404, 'api_key_not_found'];
const NO_ROUTE = [404, 'route_not_found'];
const post = (headers: Record<string, string>, body?: string | Buffer) =>
  rawCall(service, 'POST', '/v1/api-keys', { headers, ...(body !== undefined && { body }) });

describe('malformed input', () => {
  test.each<[string, Record<string, string>, string | Buffer | undefined, unknown[]]>([
    ['no body', auth, undefined, INVALID],
    ['an empty body', json, '', INVALID],
    ['broken JSON', json, '{"label":"a"', INVALID],
    ['JSON with a comment', json, `${good}//x`, INVALID],
    ['a number', json, '7', INVALID],
    ['a nesting without end', json, '['.repeat(60_000), INVALID],
    ['a closed deep nesting', json, '['.repeat(30_000) + ']'.repeat(30_000), INVALID],
    ['bytes that are no UTF-8', json, Buffer.from([0x22, 0xff, 0xfe, 0x22]), INVALID],
    ['a body of 64 KiB and one byte', json, `"${'x'.repeat(64 * 1024 - 1)}"`, [413, 'payload_too_large']],
    ['a body of 64 KiB that is no key', json, `"${'x'.repeat(64 * 1024 - 2)}"`, INVALID],
    ['plain text', { ...auth, 'content-type': 'text/plain' }, good, [415, 'unsupported_media_type']],
    [
      'a form',
      { ...auth, 'content-type': 'application/x-www-form-urlencoded' },
      'label=a',
      [415, 'unsupported_media_type'],
    ],
    ['no content type', auth, good, [415, 'unsupported_media_type']],
    ['an empty content type', { ...auth, 'content-type': '' }, good, [415, 'unsupported_media_type']],
    [
      'another JSON type',
      { ...auth, 'content-type': 'application/problem+json' },
      good,
      [415, 'unsupported_media_type'],
    ],
    [
      'another charset',
      { ...auth, 'content-type': 'application/json; charset=koi8-r' },
      good,
      [415, 'unsupported_media_type'],
    ],
    ['a compressed body', { ...json, 'content-encoding': 'gzip' }, good, [415, 'unsupported_media_type']],
  ])('returns the declared code for %s to POST /v1/api-keys', async (_what, headers, body, expected) => {
    expect(outcome(await post(headers, body))).toEqual(expected);
  });

  test('refuses a body by its declared length before it is sent', async () => {
    const head = `POST /v1/api-keys HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${owner}\r\ncontent-type: application/json\r\n`;
    const answer = readAnswer(await rawSocket(service, `${head}content-length: 999999999\r\n\r\n`));
    expect(outcome(answer)).toEqual([413, 'payload_too_large']);
  });

  test('returns 413 for a chunked body over 64 KiB, also on a route without a body', async () => {
    const chunk = `1000\r\n${'x'.repeat(0x1000)}\r\n`;
    for (const [line, expected] of [
      ['POST /v1/api-keys', [413, 'payload_too_large']],
      [`DELETE /v1/api-keys/api_key_x`, NO_KEY],
    ] as const) {
      const head = `${line} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${owner}\r\ncontent-type: application/json\r\n`;
      const sent = `${head}transfer-encoding: chunked\r\n\r\n${chunk.repeat(20)}0\r\n\r\n`;
      expect(outcome(readAnswer(await rawSocket(service, sent)))).toEqual(expected);
    }
  });

  test('returns 413 for a body too large to be ignored on a route without a body', async () => {
    const answer = await rawCall(service, 'GET', '/v1/organization', {
      headers: json,
      body: 'x'.repeat(64 * 1024 + 1),
    });
    expect(outcome(answer)).toEqual([413, 'payload_too_large']);
  });

  test('logs no error for a body that ends too early', async () => {
    const head = `POST /v1/api-keys HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${owner}\r\ncontent-type: application/json\r\n`;
    await rawSocket(service, `${head}content-length: 100\r\n\r\n{"label"`, 200);
    await rawSocket(service, `${head}transfer-encoding: chunked\r\n\r\nzz\r\n`, 200);
    await expect.poll(() => service.logs.filter((line) => line.includes('"status":500'))).toEqual([]);
  });

  test.each([
    ['%00', NO_KEY],
    ['%0d%0aset-cookie:x', NO_KEY],
    ['%2e%2e%2f%2e%2e%2fetc%2fpasswd', NO_KEY],
    ['%F0%9F%92%A5', NO_KEY],
    ['null', NO_KEY],
    ['__proto__', NO_KEY],
    ["'%3bdrop table api_keys;--".replaceAll(' ', '%20'), NO_KEY],
    ['x'.repeat(1_024), NO_KEY],
    ['x'.repeat(1_025), INVALID],
    ['%', INVALID],
    ['%zz', INVALID],
    ['%c3%28', INVALID],
    ['%ed%a0%80', INVALID],
  ])('returns a well-formed answer to the id %s by every method', async (id, expected) => {
    const path = `/v1/api-keys/${id}`;
    expect(outcome(await rawCall(service, 'GET', path, { headers: auth }))).toEqual(expected);
    expect(outcome(await rawCall(service, 'DELETE', path, { headers: auth }))).toEqual(expected);
    const body = '{"label":"x"}';
    expect(outcome(await rawCall(service, 'PATCH', path, { headers: json, body }))).toEqual(expected);
  });

  test.each([
    ['/v1', NO_ROUTE],
    ['//v1/api-keys', NO_ROUTE],
    ['/V1/api-keys', NO_ROUTE],
    ['/v1/API-KEYS', NO_ROUTE],
    ['/v1/api-keys/a/b', NO_ROUTE],
    ['/v1/../v1/api-keys', NO_ROUTE],
    ['/v1/api-keys%2f', NO_ROUTE],
    ['/v2/api-keys', NO_ROUTE],
    ['/.env', NO_ROUTE],
    ['/docs/../package.json', NO_ROUTE],
    ['/docs/%2e%2e/package.json', NO_ROUTE],
    ['/docs/swagger-ui.js', NO_ROUTE],
    ['/docs/%', NO_ROUTE],
    ['/%', NO_ROUTE],
  ])('returns 404 for the path %s, with and without a credential', async (path, expected) => {
    for (const headers of [auth, {}]) {
      const [status, code] = outcome(await rawCall(service, 'GET', path, { headers }));
      expect([status, code]).toEqual(expected);
    }
  });

  test.each([
    ['a made-up cursor', '/v1/api-keys?after=api_key_x'],
    ['a cursor with NUL', '/v1/api-keys?after=%00'],
    ['a cursor of 65 characters', `/v1/api-keys?after=${'x'.repeat(65)}`],
    ['a made-up audit cursor', '/v1/audit-events?before=audit_x'],
    ['a cursor of another list', `/v1/audit-events?after=${key.id}`],
    ['a limit of zero', '/v1/api-keys?limit=0'],
    ['a limit beyond the most', '/v1/audit-events?limit=101'],
    ['an unknown parameter', '/v1/organization?x=1'],
    ['a parameter __proto__', '/v1/me/session?__proto__=1'],
    ['a parameter that does not decode', '/v1/api-keys?%zz=%'],
  ])('returns 400 with the field for %s', async (_what, path) => {
    const answer = await rawCall(service, 'GET', path, { headers: auth });
    expect(outcome(answer)).toEqual(INVALID);
    expect(Object.keys(answer.body.error.details?.['fields'] as object)).toHaveLength(1);
  });

  test('returns 413 for headers over 16 KiB', async () => {
    const answer = await rawCall(service, 'GET', '/v1/organization', {
      headers: { ...auth, x: 'x'.repeat(17 * 1024) },
    });
    expect(outcome(answer)).toEqual([413, 'payload_too_large']);
  });

  test('logs no error for very many headers', async () => {
    const many = Object.fromEntries(Array.from({ length: 1_500 }, (_, i) => [`h${i}`, '1']));
    const answer = await rawCall(service, 'GET', '/v1/organization', { headers: { ...many, ...auth } });
    expectOrderly(answer);
    expect([200, 413]).toContain(answer.status);
  });

  test.each([
    ['HTTP/1.1 without a host', 'GET /healthz HTTP/1.1\r\n\r\n', INVALID],
    ['two hosts', 'GET /healthz HTTP/1.1\r\nhost: x\r\nHost: y\r\n\r\n', INVALID],
    ['the same host twice, in an old version', 'GET /healthz HTTP/1.0\r\nhost: x\r\nhost: x\r\n\r\n', INVALID],
    ['an unknown version', 'GET /healthz HTTP/9.9\r\nhost: x\r\n\r\n', INVALID],
    ['an unknown method', 'STEAL /healthz HTTP/1.1\r\nhost: x\r\n\r\n', INVALID],
    ['HTTP/2 without a word', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', INVALID],
    ['a TLS greeting', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003', INVALID],
    ['a header without a name', 'GET /healthz HTTP/1.1\r\nhost: x\r\n: x\r\n\r\n', INVALID],
    ['a header with a line break', 'GET /healthz HTTP/1.1\r\nhost: x\r\nx: a\rb\r\n\r\n', INVALID],
    [
      'two lengths',
      'POST /v1/api-keys HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab',
      INVALID,
    ],
    [
      'a length and chunks',
      'POST /v1/api-keys HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      INVALID,
    ],
    ['a negative length', 'POST /v1/api-keys HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n', INVALID],
    ['an unknown expectation', 'GET /nowhere HTTP/1.1\r\nhost: x\r\nexpect: a pony\r\n\r\n', NO_ROUTE],
    ['an upgrade', 'GET /nowhere HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n', NO_ROUTE],
    ['OPTIONS *', 'OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n', NO_ROUTE],
    ['an absolute address', 'GET http://evil.test/nowhere HTTP/1.1\r\nhost: x\r\n\r\n', NO_ROUTE],
  ])('returns the error envelope for %s on the socket', async (_what, bytes, expected) => {
    const answer = readAnswer(await rawSocket(service, Buffer.from(bytes, 'latin1')));
    expectOrderly(answer);
    expect(outcome(answer)).toEqual(expected);
  });

  test('still works after all of it', async () => {
    expect(outcome(await call(service, 'GET', '/v1/api-keys', { token: owner }))).toEqual([200, undefined]);
  });
});
