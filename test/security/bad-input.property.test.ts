import * as fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { createKey } from '../support/api.ts';
import { rawCall, rawSocket, readAnswer } from '../support/raw.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';
import { expectOrderly } from './expect-orderly.ts';
import { documentedRoutes } from './routes-of-document.ts';
import type { DocumentedRoute } from './routes-of-document.ts';
import { propertyRuns } from '../support/property-runs.ts';

const service = await startService();
const routes = await documentedRoutes(service);
const acme = await service.organizations.add({ status: 'active', plan: 'scale' });
const owner = await acme.session('owner', { exp: Math.floor(service.clock().getTime() / 1_000) + 3_600 });
const key = await createKey(service, owner, { permission_set: 'full_access' });
const json = { 'content-type': 'application/json' };

afterEach(() => {
  // A 500 is caught by the status; an error in the log is a fault of ours even where the answer hides it.
  expect(service.logs.filter((line) => line.includes('"level":"error"'))).toEqual([]);
});

const tokenFor = ({ access }: DocumentedRoute) => (access === 'service' ? SERVICE_TOKEN : owner);
// A stream that is opened as it should be does not end.
const anyRoute = fc.constantFrom(...routes.filter(({ path }) => path !== '/v1/invalidations'));

const NASTY = [
  '',
  '\0',
  '\u202e',
  '\ud800',
  '\udfff\ud800',
  '\n',
  '%',
  '%00',
  '\\',
  "'",
  '"',
  '__proto__',
  'constructor',
];
const nastyText = fc.oneof(
  fc.constantFrom(...NASTY, 'toString', 'null', 'x'.repeat(101), 'x'.repeat(5_000), '🔑'.repeat(100), '1e999', '-0'),
  fc.string({ unit: 'binary', maxLength: 120 }),
  fc.string({ unit: 'grapheme', maxLength: 120 }),
);
const nastyValue = fc.oneof(
  nastyText,
  fc.jsonValue({ depthSize: 'medium' }),
  fc.constantFrom(0, -1, 1e308, Number.MAX_SAFE_INTEGER + 1, true, null, [], {}),
  fc.constantFrom(
    '0000-00-00T00:00:00Z',
    '9999-12-31T23:59:59.999-23:59',
    '2999-02-30T00:00:00Z',
    '2999-01-01T00:00:00Z',
  ),
);
const FIELDS = [
  'label',
  'permission_set',
  'description',
  'metadata',
  'expires_at',
  'organization_id',
  'status',
  'plan',
];
const fieldName = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...FIELDS, 'trial_ends_at', '__proto__', 'scopes', 'grace_seconds', 'keys') },
  { weight: 1, arbitrary: nastyText },
);
const mostly = (good: string | null, bad: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(good) }, { weight: 1, arbitrary: bad });
/** Mostly good, so that what is bad reaches the inside. */
const likelyBody = fc.oneof(
  fc.record({
    label: mostly('a', nastyValue),
    permission_set: mostly('read_only', nastyValue),
    description: mostly('d', nastyValue),
    metadata: fc.oneof(fc.dictionary(fc.string({ minLength: 1, maxLength: 9 }), nastyText, { maxKeys: 2 }), nastyValue),
    expires_at: mostly(null, nastyValue),
  }),
  fc.record({ label: nastyText, permission_set: fc.constant('read_only') }),
  fc.record({ key: mostly(key.value, nastyText), operation: mostly('read', nastyValue), scopes: fc.array(nastyText) }),
  fc.record({ keys: fc.array(fc.record({ key: nastyValue }), { maxLength: 3 }) }),
  fc.record({ grace_seconds: fc.oneof(fc.integer(), fc.double(), nastyValue) }),
  fc.record({ status: mostly('trial', nastyValue), trial_ends_at: nastyValue }),
  fc.array(fc.tuple(fieldName, nastyValue), { maxLength: 6 }).map((entries) => Object.fromEntries(entries)),
);
/** As JSON text: stringify writes lone surrogates as escapes, which is how a client would send them. */
const bodyText = fc.oneof(
  { weight: 6, arbitrary: likelyBody.map((value) => JSON.stringify(value)) },
  { weight: 2, arbitrary: fc.json() },
  { weight: 1, arbitrary: fc.string({ maxLength: 200 }) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('latin1')) },
);

const escaped = nastyText.map((text) => encodeURIComponent(text.toWellFormed()));
const pathSegment = fc.oneof(
  escaped,
  fc.constantFrom('%', '%zz', '%c0%af', '%ff', '%2e%2e', '%2f', '..', '.', '%00', key.id, acme.id, 'a'.repeat(4_000)),
  fc.stringMatching(/^[\w.~!$&'()*+,;=:@-]{1,80}$/),
);
const queryString = fc.oneof(
  fc.constantFrom('', '?', '?&&', '?=', '?limit', '?limit=%', '?%ff=%ff', '?a[b]=c', '?a[]=1&a[]=2', '?after=%00'),
  fc
    .array(fc.tuple(fc.oneof(fc.constantFrom('limit', 'after', 'before', 'q', 'status', 'action'), escaped), escaped), {
      maxLength: 4,
    })
    .map((pairs) => `?${pairs.map(([name, value]) => `${name}=${value}`).join('&')}`),
);

const fill = (route: DocumentedRoute, segment: string) => route.path.replaceAll(/\{\w+\}/g, () => segment);

const contentType = fc.oneof(
  fc.constantFrom(
    '',
    'application/json',
    'application/json; charset=utf-16',
    'application/json;charset="',
    'text/json',
  ),
  fc.constantFrom('application/vnd.api+json', 'multipart/form-data', 'APPLICATION/JSON', '*/*', 'application/json, x'),
);
const headerValue = fc.oneof(
  fc.stringMatching(/^[\u0020-\u007e\u0080-\u00ff]{0,80}$/),
  fc.constantFrom('', 'x'.repeat(3_000)),
);
const ODD_NAMES =
  'accept accept-encoding range if-match if-none-match if-modified-since if-range origin x-forwarded-for ' +
  'x-forwarded-proto x-forwarded-host forwarded sec-fetch-site idempotency-key x-request-id x-http-method-override ' +
  'content-encoding te via user-agent prefer cookie x-api-key x-access-token traceparent dnt referer ' +
  'if-unmodified-since content-language expect date';
const oddHeaders = fc.dictionary(fc.constantFrom(...ODD_NAMES.split(' ')), headerValue, { maxKeys: 5 });
const CONSOLE = ['', '/keys', '/assets/x.js', '/sign-in', '/callback', '/refresh', '/sign-out'];
const PAGES = [
  '/',
  '/docs',
  '/docs/swagger-ui.css',
  '/openapi.json',
  '/metrics',
  '/nowhere',
  ...CONSOLE.map((path) => `/console${path}`),
];
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY', 'M-SEARCH'];

function dress(name: string, text: string): string {
  if (name === 'authorization') return `Bearer ${text}`;
  return name === 'cookie' ? `wos_session=${text}` : text;
}

describe('random input', () => {
  test('gets a well-formed answer to any body, id and query on any route', { timeout: 60_000 }, async () => {
    const input = fc.tuple(anyRoute, pathSegment, queryString, bodyText);
    const seen = new Set<number>();
    const property = fc.asyncProperty(input, async ([route, segment, query, body]) => {
      // What the routes are for is left alone: this must not end the very credentials that it uses.
      fc.pre(!(route.method === 'DELETE' && segment === key.id) && route.access !== 'public');
      const headers = { authorization: `Bearer ${tokenFor(route)}`, ...json };
      const sent = route.method === 'GET' ? {} : { body };
      const answer = await rawCall(service, route.method, fill(route, segment) + query, { headers, ...sent });
      seen.add(answer.status);
      expectOrderly(answer);
    });
    const create = routes.find(({ name }) => name === 'POST /v1/api-keys')!;
    const good = JSON.stringify({ label: 'good', permission_set: 'read_only' });
    await fc.assert(property, { numRuns: propertyRuns(600), examples: [[[create, 'x', '', good]]] });
    // The inside was reached: some of it was good.
    expect([...seen]).toEqual(expect.arrayContaining([200, 201, 400, 404]));
  });

  test(
    'gets a well-formed answer to any headers, content type and method on any path',
    { timeout: 60_000 },
    async () => {
      const path = fc.oneof(
        fc.constantFrom(...PAGES),
        anyRoute.map((route) => fill(route, 'api_key_x')),
      );
      const input = fc.tuple(path, fc.constantFrom(...METHODS), contentType, oddHeaders, fc.boolean());
      const seen = new Set<number>();
      const property = fc.asyncProperty(input, async ([path, method, type, odd, signedIn]) => {
        const headers = { ...(signedIn && { authorization: `Bearer ${owner}` }), ...odd, 'content-type': type };
        const body = method === 'POST' || method === 'PATCH' ? '{"label":"a"}' : undefined;
        const answer = await rawCall(service, method, path, { headers, ...(body && { body }) });
        seen.add(answer.status);
        expectOrderly(answer, method);
      });
      await fc.assert(property, { numRuns: propertyRuns(500) });
      expect([...seen]).toEqual(expect.arrayContaining([200, 401, 404, 405]));
    },
  );

  test('gets a well-formed refusal of any credential', { timeout: 60_000 }, async () => {
    const base64 = fc.base64String({ maxLength: 200 }).map((text) => text.replaceAll('=', ''));
    const jwtLike = fc
      .tuple(fc.jsonValue(), fc.jsonValue(), base64)
      .map(([head, body, signature]) =>
        [JSON.stringify(head), JSON.stringify(body)]
          .map((text) => Buffer.from(text).toString('base64url'))
          .concat(signature),
      )
      .map((parts) => `eyJ${parts.join('.')}`);
    const token = fc.oneof(
      jwtLike,
      base64.map((text) => `sk_${text}`),
      base64.map((text) => `svc_${text}`),
      headerValue,
    );
    const place = fc.constantFrom('authorization', 'x-api-key', 'x-access-token', 'cookie');
    const property = fc.asyncProperty(
      fc.array(fc.tuple(place, token), { minLength: 1, maxLength: 3 }),
      async (sent) => {
        const lines = Map.groupBy(sent, ([name]) => name);
        const headers = Object.fromEntries(
          [...lines].map(([name, list]) => [name, list.map(([, text]) => dress(name, text))]),
        );
        const answer = await rawCall(service, 'GET', '/v1/api-keys', { headers });
        expectOrderly(answer);
        expect(answer.status).toBe(401);
      },
    );
    await fc.assert(property, { numRuns: propertyRuns(300) });
  });

  test('gets a well-formed answer or none to any bytes on the socket', { timeout: 60_000 }, async () => {
    const line = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 80 }),
      fc.constantFrom(
        'GET / HTTP/1.1',
        'GET /v1/api-keys HTTP/1.1',
        'Host: x',
        'Content-Length: 5',
        'Content-Length: -1',
      ),
      fc.constantFrom(
        'Transfer-Encoding: chunked',
        'Connection: upgrade',
        'Upgrade: websocket',
        'Expect: x',
        ': x',
        'a b: c',
      ),
      fc.constantFrom(
        'GET http://x/v1/organization HTTP/1.1',
        'CONNECT x:1 HTTP/1.1',
        'OPTIONS * HTTP/1.1',
        'GET / HTTP/9.9',
      ),
    );
    const bytes = fc.oneof(
      fc.array(line, { minLength: 1, maxLength: 6 }).map((lines) => Buffer.from(`${lines.join('\r\n')}\r\n\r\n`)),
      fc.uint8Array({ minLength: 1, maxLength: 300 }).map((array) => Buffer.from(array)),
    );
    const seen = new Set<number>();
    const property = fc.asyncProperty(bytes, async (sent) => {
      const received = await rawSocket(service, sent, 60);
      if (received === '') return;
      seen.add(readAnswer(received).status);
      expectOrderly(readAnswer(received));
    });
    await fc.assert(property, { numRuns: propertyRuns(120) });
    expect([...seen]).toEqual(expect.arrayContaining([400]));
  });
});
