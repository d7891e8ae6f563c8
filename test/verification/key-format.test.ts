import { beforeEach, describe, expect, test } from 'vitest';
import { checksumOf } from '../../src/scan/key-checksum.ts';
import { call, createKey, outcome } from '../support/api.ts';
import { makeDashboardKey } from '../support/at-workos.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';
import type { Service } from '../support/service.ts';

const start = (format: object) => startService({}, { product: { api_keys: { prefixes: ['sk_'], format } as never } });
const [wrapped, open, fixed] = await Promise.all([
  start({ live: 'em_sk_', checksum: true }),
  start({ live: 'em_sk_', checksum: true, accept_bare: true }),
  start({ live: 'mxs_eval_', length: 41, checksum: true }),
]);

const queries: string[] = [];
for (const { db } of [wrapped, open, fixed]) db.on('query', ({ sql }: { sql: string }) => void queries.push(sql));

const verify = async (service: Service, key: string) =>
  (await call(service, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body: { key } })).body;
const forward = (service: Service, key: string) => call(service, 'GET', '/v1/auth/forward', { token: key });
const asCaller = (service: Service, key: string) =>
  call(service, 'GET', '/v1/auth/forward', { headers: { 'x-api-key': key } });

const ofLastLetter = (value: string) => `${value.slice(0, -1)}${value.endsWith('a') ? 'b' : 'a'}`;

describe.each([
  ['with a prefix and a checksum', () => wrapped, /^em_sk_\w{43}\w{6}$/, 'em_sk_'],
  ['of fixed length', () => fixed, /^mxs_eval_[A-Za-z0-9]{32}$/, 'mxs_eval_'],
])('a key %s', (_name, service, form, prefix) => {
  test('is handed out, shown and accepted by verify, forward authentication and own routes', async () => {
    const organization = await service().organizations.add();
    const made = await createKey(service(), await organization.session());
    expect(made.value).toMatch(form);
    expect(made.prefix).toBe(`${prefix}...${made.value.slice(-4)}`);
    // From the database, then from memory.
    for (const source of ['mirror', 'cache'])
      expect(await verify(service(), made.value)).toMatchObject({ code: 'valid', id: made.id, source });
    expect((await forward(service(), made.value)).body).toMatchObject({ key_id: made.id });
    expect(outcome(await asCaller(service(), made.value))).toEqual([200, undefined]);
  });

  test('is refused without a look-up if it is mistyped or invented', async () => {
    const organization = await service().organizations.add();
    const { value } = await createKey(service(), await organization.session());
    const invented = `${prefix}${'x'.repeat(value.length - prefix.length)}`;
    const wrong = [ofLastLetter(value), value.slice(0, -1), `${value}a`, `x${value}`, value.slice(1), invented];
    const asked = service().workos.requests().length;
    queries.length = 0;
    for (const key of wrong) {
      expect(await verify(service(), key)).toMatchObject({ code: 'not_found', id: null });
      for (const answer of [await forward(service(), key), await asCaller(service(), key)]) {
        expect(outcome(answer)).toEqual([401, 'credential_invalid']);
        expect(JSON.stringify(answer.body)).not.toContain(key);
      }
    }
    expect(queries).toEqual([]);
    expect(service().workos.requests()).toHaveLength(asked);
    // A look-up would have been seen.
    const unknown = invented.slice(0, -6);
    await verify(service(), unknown + checksumOf(unknown));
    expect(queries).not.toEqual([]);
  });

  test('is the same in the answer to a repeated request', async () => {
    const organization = await service().organizations.add();
    const token = await organization.session();
    const ask = () =>
      call(service(), 'POST', '/v1/api-keys', {
        token,
        headers: { 'idempotency-key': 'once' },
        body: { label: 'once', permission_set: 'read_only' },
      });
    const [first, again] = [await ask(), await ask()];
    expect(again.body['value']).toBe(first.body['value']);
    expect(first.body['value']).toMatch(form);
  });
});

describe("WorkOS's own form", () => {
  let organization: Awaited<ReturnType<Service['organizations']['add']>>;
  beforeEach(async () => {
    organization = await open.organizations.add();
  });

  test('is accepted where configured, for keys made at WorkOS and here', async () => {
    const dashboard = await makeDashboardKey(open, organization.id, { permissions: ['workspace:read'] });
    expect(await verify(open, dashboard.value)).toMatchObject({ code: 'valid', id: dashboard.id, source: 'workos' });
    expect(outcome(await forward(open, dashboard.value))).toEqual([200, undefined]);
    const made = await createKey(open, await organization.session());
    const bare = `sk_${made.value.slice('em_sk_'.length, -6)}`;
    expect(await verify(open, bare)).toMatchObject({ code: 'valid', id: made.id });
    const listed = await call(open, 'GET', `/v1/api-keys/${dashboard.id}`, { token: await organization.session() });
    expect(listed.body['prefix']).toBe(`sk_...${dashboard.value.slice(-4)}`);
  });

  test('is accepted in the product’s form for a key made at WorkOS', async () => {
    const dashboard = await makeDashboardKey(open, organization.id, { permissions: ['workspace:read'] });
    const dressed = `em_sk_${dashboard.value.slice(3)}`;
    const found = await verify(open, dressed + checksumOf(dressed));
    expect(found).toMatchObject({ code: 'valid', id: dashboard.id, source: 'workos' });
  });

  test.each([
    ['with a prefix', () => wrapped],
    ['of fixed length', () => fixed],
  ])('is refused without a look-up where keys are %s alone', async (_name, service) => {
    const there = await service().organizations.add();
    const dashboard = await makeDashboardKey(service(), there.id);
    const asked = service().workos.requests().length;
    queries.length = 0;
    expect(await verify(service(), dashboard.value)).toMatchObject({ code: 'not_found' });
    expect(outcome(await forward(service(), dashboard.value))).toEqual([401, 'credential_invalid']);
    expect(queries).toEqual([]);
    expect(service().workos.requests()).toHaveLength(asked);
  });
});

test('asks WorkOS nothing about an unknown key of fixed length', async () => {
  const asked = fixed.workos.requests().length;
  const unknown = `mxs_eval_${'z'.repeat(26)}`;
  expect(await verify(fixed, unknown + checksumOf(unknown))).toMatchObject({ code: 'not_found' });
  expect(fixed.workos.requests()).toHaveLength(asked);
});
