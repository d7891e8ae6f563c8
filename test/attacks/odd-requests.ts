import type { Random } from '../crash/random.ts';

/** Credentials that some of the requests have, so that they get past authentication. */
export type Known = { key: string; serviceToken: string };

const PATHS = [
  '/v1/api-keys/verify',
  '/v1/auth/forward',
  '/v1/api-keys',
  '/v1/api-keys/api_key_x',
  '/v1/organization',
  '/v1/organizations/org_acme/billing',
  '/v1/audit-events',
  '/v1/me/session',
  '/v1/leases/lease_x/release',
  '/v1/hooks/workos',
  '/v1/hooks/stripe',
  '/v1/hooks/billing',
  '/v1/auth/login',
  '/v1/auth/refresh',
  '/v1/auth/logout',
  '/v1/auth/check-token',
  '/console',
  '/console/sign-in',
  '/console/callback',
  '/console/refresh',
  '/console/sign-out',
  '/healthz',
  '/openapi.json',
  '/docs',
  '/nowhere',
] as const;
const ENDS = [
  '',
  '',
  '',
  '',
  '?',
  '?scope=a',
  '?a=%00&a=%zz',
  '/',
  '/../x',
  '%2e%2e',
  '#x',
  '\u00e9',
  '\t',
  ' x',
] as const;
const METHODS = [
  'GET',
  'GET',
  'POST',
  'POST',
  'POST',
  'HEAD',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'CONNECT',
  'STEAL',
  'get',
  '',
] as const;
const VERSIONS = [
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/2.0',
  'HTTP/1.',
  'http/1.1',
  '',
] as const;
const LINE_ENDS = ['\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\n', '\r', '\r\r\n', '\r\n '] as const;
const TYPES = ['application/json', 'application/json', 'application/json; charset=utf-16', 'text/plain', ''] as const;
const TEXTS = [
  '',
  '\0',
  '\u0000x',
  '__proto__',
  'org_acme',
  'x'.repeat(300),
  '\ud83d',
  '\u202e',
  '%00',
  '[]',
  '{}',
] as const;
const ODD_HEADERS = [
  'expect: 100-continue',
  'expect: a pony',
  'connection: upgrade\r\nupgrade: websocket',
  'connection: close',
  'connection: keep-alive, close',
  'upgrade: h2c\r\nhttp2-settings: x',
  'transfer-encoding: chunked',
  'transfer-encoding: gzip, chunked',
  'Transfer-Encoding : chunked',
  'content-length: 0',
  'content-length: 7\r\ncontent-length: 8',
  'content-length: +1',
  'content-encoding: gzip',
  'x: a\r\n folded',
  'x: \u0000',
  ': no name',
  'no colon',
  'x y: z',
  'if-none-match: *',
  'range: bytes=0-',
  'x-forwarded-for: 1.2.3.4:5, [::1]:6, unknown',
  'x-forwarded-uri: /?api_key=eyJx',
  'origin: null',
  'idempotency-key: x',
  'last-event-id: x:1',
  'stripe-signature: t=1,v1=00',
  'workos-signature: t=1, v1=00',
  'webhook-id: msg_1\r\nwebhook-timestamp: 1\r\nwebhook-signature: v1,AA==',
  `x: ${'x'.repeat(20_000)}`,
] as const;

/** Returns the bytes of one request, which may be empty: an ordinary request with one odd part, or odd in every part. */
export function oddRequest(random: Random, known: Known): Buffer {
  return random.chance(0.5) ? nearlyUsual(random, known) : oddAllOver(random, known);
}

function nearlyUsual(random: Random, known: Known): Buffer {
  const [method, path, credential, body] = random.pick(usualRequests(known));
  const framing = body === '' ? [] : [`content-length: ${body.length}`, 'content-type: application/json'];
  const headers = ['host: latchkey', ...(credential === '' ? [] : [credential]), ...framing];
  if (random.chance(0.4)) headers.splice(random.below(headers.length), 0, random.pick(ODD_HEADERS));
  if (random.chance(0.1)) headers.push(random.pick(headers as [string]));
  const bytes = Buffer.from(`${[`${method} ${path} HTTP/1.1`, ...headers, '', ''].join('\r\n')}${body}`, 'latin1');
  if (random.chance(0.1)) bytes[random.below(bytes.length)] = random.below(256);
  return bytes;
}

type Usual = readonly [method: string, path: string, credential: string, body: string];

function usualRequests({ key, serviceToken }: Known): readonly [Usual, ...Usual[]] {
  const service = `authorization: Bearer ${serviceToken}`;
  const signed = 'workos-signature: t=1, v1=00';
  const login = JSON.stringify({ email: 'owner@acme.test', password: 'no' });
  return [
    ['POST', '/v1/api-keys/verify', service, JSON.stringify({ key })],
    ['POST', '/v1/api-keys/verify', service, JSON.stringify({ keys: [{ key }, { key: 'sk_x' }] })],
    ['GET', '/v1/auth/forward', `x-api-key: ${key}`, ''],
    ['POST', '/v1/auth/forward?scope=a', `authorization: Bearer ${key}`, ''],
    ['GET', '/v1/organization', `x-api-key: ${key}`, ''],
    ['POST', '/v1/hooks/workos', signed, '{"id":"event_x"}'],
    ['POST', '/v1/hooks/stripe', 'stripe-signature: t=1,v1=00', '{"id":"evt_x"}'],
    ['POST', '/v1/auth/login', '', login],
    ['POST', '/v1/auth/check-token', service, '{"token":"eyJx"}'],
    ['POST', '/v1/api-keys', service, '{"label":"x","permission_set":"read_only"}'],
    ['GET', '/openapi.json', 'accept-encoding: gzip', ''],
    ['GET', '/healthz', '', ''],
  ];
}

function oddAllOver(random: Random, known: Known): Buffer {
  const end = random.chance(0.8) ? '\r\n' : random.pick(LINE_ENDS);
  const line = `${random.pick(METHODS)} ${random.pick(PATHS)}${random.pick(ENDS)} ${random.pick(VERSIONS)}`;
  const body = bodyOf(random, known);
  const headers = [...hostsOf(random), ...credentialsOf(random, known), `content-type: ${random.pick(TYPES)}`];
  while (random.chance(0.35)) headers.splice(random.below(headers.length), 0, random.pick(ODD_HEADERS));
  const framed = frame(random, body);
  headers.push(...framed.headers);
  return Buffer.from([line, ...headers, '', ''].join(end) + framed.bytes, 'latin1');
}

function hostsOf(random: Random): string[] {
  if (random.chance(0.85)) return ['host: latchkey'];
  return random.pick([[], ['host: a', 'Host: b'], ['host:'], ['host: latchkey', 'host: latchkey']]);
}

function credentialsOf(random: Random, { key, serviceToken }: Known): string[] {
  const each = [
    `authorization: Bearer ${serviceToken}`,
    `authorization: Bearer ${key}`,
    `x-api-key: ${key}`,
    'authorization: Bearer eyJhbGciOiJub25lIn0.e30.',
    'authorization: Basic x',
    'x-access-token: eyJx',
    'cookie: wos_session=x',
    'cookie: wos_session=%zz; wos_session=y',
  ] as const;
  const count = random.pick([0, 1, 1, 1, 1, 2, 3]);
  return Array.from({ length: count }, () => random.pick(each));
}

function bodyOf(random: Random, { key }: Known): string {
  const text = random.pick(TEXTS);
  return random.pick([
    '',
    JSON.stringify({ key }),
    JSON.stringify({ key, lease: true, cost: random.below(3) }),
    JSON.stringify({ keys: [{ key }, { key: text || 'x' }] }),
    JSON.stringify({ email: `${text}@x.test`, password: text, organization_id: text }),
    JSON.stringify({ refresh_token: text, organization_id: text, session_id: text }),
    JSON.stringify({ label: text, permission_set: 'read_only', metadata: { [text]: text } }),
    JSON.stringify({ status: 'active', plan: text }),
    JSON.stringify({ id: text, event: 'api_key.created', type: text, data: { id: text } }),
    '{"key":',
    '['.repeat(2_000),
    '\u00ff\u00fe',
  ]);
}

/** Frames a body by its length, in chunks, or by headers that contradict both. */
function frame(random: Random, body: string): { headers: string[]; bytes: string } {
  const length = `content-length: ${body.length}`;
  const chunked = 'transfer-encoding: chunked';
  const chunks = `${body.length.toString(16)};x=y\r\n${body}\r\n`;
  const framings: [string[], string][] = [
    [[length], body],
    [[length], body],
    [[length], body],
    [[chunked], `${body === '' ? '' : chunks}0\r\n\r\n`],
    [[chunked], `${body === '' ? '' : chunks}0\r\ntrailer: x\r\n\r\n`],
    [[chunked], `zz\r\n${body}`],
    [[chunked], `ffffffffffffffff\r\n${body}`],
    [[chunked, length], `${chunks}0\r\n\r\n`],
    [[`content-length: ${body.length + 5}`], body],
    [['content-length: 99999999999'], body],
    [['content-length: -1'], body],
    [[], body],
  ];
  const [headers, bytes] = framings[random.below(framings.length)]!;
  return { headers, bytes };
}
