import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { call, createKey, outcome } from '../../support/api.ts';
import { SERVICE_TOKEN, startService } from '../../support/service.ts';

const PATH = '/v1/api-keys/verify';

const service = await startService();
const acme = await service.organizations.add();
const key = await createKey(service, await acme.session('owner'), { label: 'with "quotes" — and more' });

const verify = (body: unknown, headers: Record<string, string> = {}) =>
  call(service, 'POST', PATH, { token: SERVICE_TOKEN, body, headers });
const linesOf = () => service.logs.filter((line) => line.includes(PATH)).length;

const count = async () => {
  const text = await (await fetch(`${service.url}/metrics`)).text();
  const pattern = /^latchkey_http_request_duration_seconds_count\{.*verify.*status="200".*\} (\d+)$/m;
  return Number(pattern.exec(text)?.[1] ?? 0);
};

await verify({ key: key.value });

describe('POST /v1/api-keys/verify, fast path', () => {
  test('answers a usual request like every other one', async () => {
    const usual = await verify({ key: key.value, scopes: ['workspace:read'], operation: 'create' });
    const [other] = (await verify({ keys: [{ key: key.value, scopes: ['workspace:read'], operation: 'create' }] })).body
      .data;
    const { checked_at, stale_ms, ...verdict } = usual.body;
    expect({ ...other, checked_at, stale_ms }).toEqual({ ...verdict, checked_at, stale_ms });
    expect(Object.keys(usual.body)).toEqual(Object.keys(other!));
    expect(verdict['source']).toBe('cache');
    expect(usual.headers.get('cache-control')).toBe('no-store');
  });

  test('applies the billing configuration of its own service, not of another one in the process', async () => {
    const other = await startService({}, { billing: { postures: { active: { keys: ['read'] } } } });
    const theirs = await createKey(other, await (await other.organizations.add()).session());
    const allowedBy = async (by: typeof service, { value }: { value: string }) => {
      const { body } = await call(by, 'POST', PATH, { token: SERVICE_TOKEN, body: { key: value } });
      return [body['source'], (body['billing'] as { allows: string[] }).allows];
    };
    expect(await allowedBy(service, key)).toEqual(['cache', ['read', 'create', 'wind_down']]);
    await allowedBy(other, theirs);
    expect(await allowedBy(other, theirs)).toEqual(['cache', ['read']]);
  });

  test('logs refused keys and no valid ones', async () => {
    const before = linesOf();
    await verify({ key: key.value });
    expect(linesOf()).toBe(before);
    await verify({ key: key.value, scopes: ['caps:write'] });
    await verify({ key: 'sk_nobodys_key_but_long_enough' });
    await expect.poll(linesOf).toBe(before + 2);
  });

  test('counts every verification', async () => {
    const before = await count();
    for (let i = 0; i < 5; i++) await verify({ key: key.value });
    expect(await count()).toBe(before + 5);
  });

  test.each<[string, unknown, number, string]>([
    ['no JSON', '{', 400, 'validation_error'],
    ['a JSON string', '"key"', 400, 'validation_error'],
    ['null', 'null', 400, 'validation_error'],
    ['an unknown field', { key: key.value, more: 1 }, 400, 'validation_error'],
    ['scopes that are no strings', { key: key.value, scopes: [1] }, 400, 'validation_error'],
    ['an unknown operation', { key: key.value, operation: 'x' }, 400, 'validation_error'],
    ['a body over 64 KiB', { key: key.value, scopes: ['x'.repeat(70_000)] }, 413, 'payload_too_large'],
  ])('%s in place of the usual body is refused as anywhere', async (_what, body, status, code) => {
    expect(outcome(await verify(body))).toEqual([status, code]);
  });

  test('refuses a second credential, another content type and a query like the route', async () => {
    const body = { key: key.value };
    expect(outcome(await verify(body, { 'x-api-key': key.value }))).toEqual([401, 'credential_invalid']);
    expect(outcome(await verify(body, { cookie: 'wos_session=x' }))).toEqual([401, 'credential_invalid']);
    expect(outcome(await verify(JSON.stringify(body), { 'content-type': 'text/plain' }))).toEqual([
      415,
      'unsupported_media_type',
    ]);
    const asked = await call(service, 'POST', `${PATH}?a=b`, { token: SERVICE_TOKEN, body });
    expect(outcome(asked)).toEqual([400, 'validation_error']);
  });

  test('refuses an unknown service token, and one without the scope', async () => {
    const body = { key: key.value };
    expect(outcome(await call(service, 'POST', PATH, { token: 'svc_somebody_else', body }))).toEqual([
      401,
      'credential_invalid',
    ]);
    expect(outcome(await call(service, 'POST', PATH, { token: '', body }))[0]).toBe(401);
  });

  test('answers each of several requests at once, even if the client of one has gone', async () => {
    const body = JSON.stringify({ key: key.value });
    const head = [`POST ${PATH} HTTP/1.1`, 'host: latchkey', 'content-type: application/json'];
    const rest = [`authorization: Bearer ${SERVICE_TOKEN}`, `content-length: ${Buffer.byteLength(body)}`, '', body];
    const { hostname, port } = new URL(service.url);
    const before = await count();
    const gone = connect(Number(port), hostname).on('error', () => undefined);
    gone.end([...head, ...rest].join('\r\n'), () => gone.destroy());
    const asked = Array.from({ length: 20 }, (_unused, i) => (i % 2 ? key.value : `${key.value}x`));
    const answers = await Promise.all(asked.map((each) => verify({ key: each })));
    expect(answers.map((answer) => answer.body['valid'])).toEqual(asked.map((each) => each === key.value));
    expect(new Set(answers.map(({ headers }) => headers.get('x-request-id'))).size).toBe(20);
    await expect.poll(count).toBe(before + 21);
  });
});
