import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { expect, expectTypeOf, onTestFinished, test } from 'vitest';
import type { z } from 'zod';
import { LatchkeyError, createLatchkeyClient } from '../../src/client/client.ts';
import type { ApiKey, CiPolicy, CreatedApiKey, ExchangedCiToken } from '../../src/client/client.ts';
import type { Exchanged } from '../../src/ci/exchange/exchange-schemas.ts';
import type { CiPolicy as ServedCiPolicy } from '../../src/ci/policies/policy-schemas.ts';
import type { ApiKey as ServedApiKey, CreatedApiKey as ServedCreatedApiKey } from '../../src/api-keys/key-schemas.ts';
import { readProduct } from '../../src/product/read-product.ts';
import { documentedRoutes } from '../security/routes-of-document.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';

const STAFF_TOKEN = 'svc_staff_0123456789';
const { permission_sets: sets } = readProduct(new URL('../../config/evershell.yaml', import.meta.url).pathname);
const service = await startService(
  { LATCHKEY_SERVICE_TOKENS: `${SERVICE_TOKEN},support=${STAFF_TOKEN}:staff:keys+staff:addresses` },
  { product: { permission_sets: sets.map((set) => ({ ...set, staff: true })) } },
);
const acme = await service.organizations.add({ status: 'active', plan: 'scale' });
const owner = await acme.session('owner');
const clientOf = (token: string) => createLatchkeyClient({ baseUrl: service.url, token });
const client = clientOf(owner);
const serviceClient = clientOf(SERVICE_TOKEN);
const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.unreachable(),
    (error: unknown) => error as LatchkeyError,
  );

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('createLatchkeyClient with a null token leaves the credential to the cookie of its origin', async () => {
  const sent: RequestInit[] = [];
  const recording = (_url: string | URL | Request, init?: RequestInit) => {
    sent.push(init!);
    return Promise.resolve(Response.json({ data: [] }));
  };
  const page = createLatchkeyClient({ baseUrl: service.url, token: null, fetch: recording });
  await page.keys.list();
  expect(sent).toEqual([
    expect.objectContaining({ credentials: 'same-origin', headers: { accept: 'application/json' } }),
  ]);
});

test('createLatchkeyClient has a working method for every route that takes a credential', async () => {
  const asked = new Set<string>();
  const recording = (url: string | URL | Request, init?: RequestInit) => {
    if (typeof url === 'string') asked.add(`${init?.method} ${new URL(url).pathname}`);
    return fetch(url, init);
  };
  const people = createLatchkeyClient({ baseUrl: `${service.url}/`, token: () => owner, fetch: recording });
  const services = createLatchkeyClient({ baseUrl: service.url, token: SERVICE_TOKEN, fetch: recording });
  const support = createLatchkeyClient({ baseUrl: service.url, token: STAFF_TOKEN, fetch: recording });

  const made = await people.keys.create({ label: 'CI', permission_set: 'read_only', metadata: { team: 'a' } });
  expect(made).toMatchObject({ label: 'CI', value: expect.stringMatching(/^sk_/), metadata: { team: 'a' } });
  expect(await people.keys.dryRun({ label: 'CI', permission_set: 'read_only' })).toMatchObject({ expires_at: null });
  expect((await people.keys.list({ limit: 1, q: undefined })).data.map(({ id }) => id)).toEqual([made.id]);
  expect((await people.keys.update(made.id, { label: 'CD' })).label).toBe('CD');
  expect((await people.keys.get(made.id)).label).toBe('CD');
  const next = await people.keys.rotate(made.id, { grace_seconds: 60 });
  expect(next.rotated_from).toBe(made.id);
  expect(await services.verify({ key: next.value, operation: 'create' })).toMatchObject({ valid: true, id: next.id });
  expect(await services.releaseLease(`lease_${acme.id}.${next.id}.${'0'.repeat(32)}`)).toEqual({ status: 'released' });
  const withKey = createLatchkeyClient({ baseUrl: service.url, token: next.value, fetch: recording });
  const leaving = createLatchkeyClient({
    baseUrl: service.url,
    token: await acme.session('member', { sid: 'session_leaving' }),
    fetch: recording,
  });
  expect(await leaving.auth.logout()).toEqual({ status: 'signed_out' });
  expect(await withKey.auth.checkApiKey()).toEqual({ valid: true, organization_id: acme.id });
  const verdicts = await services.verifyMany([{ key: next.value, scopes: ['nothing:such'] }, { key: 'sk_x' }]);
  expect(verdicts.map(({ code }) => code)).toEqual(['insufficient_scope', 'not_found']);
  const now = new Date().toISOString();
  const uses = [{ id: next.id, organization_id: acme.id, code: 'valid', count: 2, last_used_at: now }];
  expect(await services.reportUsage({ uses })).toEqual({ accepted: 1 });
  expect(await people.keys.usage(next.id, { interval: 'day' })).toMatchObject({ interval: 'day', codes: {} });
  expect((await people.keys.usageOfMany([next.id])).data).toMatchObject([{ id: next.id, codes: {} }]);
  expect((await people.organization.usage()).data).toHaveLength(24);
  const suspended = await people.keys.suspend(next.id, { reason: 'a drill' });
  expect(suspended).toMatchObject({ status: 'suspended', suspension_reason: 'a drill' });
  expect((await people.keys.list({ status: 'suspended' })).data).toEqual([suspended]);
  expect(await services.verify({ key: next.value })).toMatchObject({ valid: false, code: 'suspended' });
  expect(await people.keys.resume(next.id)).toMatchObject({ status: 'active', suspended_at: null });
  expect(await people.keys.revoke(next.id)).toEqual({ status: 'revoked' });
  expect((await people.permissionSets.list()).data.map(({ name }) => name)).toContain('read_only');
  expect((await people.permissions.list()).data[0]?.permissions[0]?.grantable).toBeTypeOf('boolean');
  expect((await people.product.get()).console.variable).toBe('EVERSHELL_API_KEY');
  expect(await people.organization.get()).toMatchObject({ id: acme.id, posture: 'active' });
  expect(await people.organization.setIpAllowList({ ip_allow_list: ['127.0.0.0/8'] })).toEqual(
    await people.organization.ipAllowList(),
  );
  expect(await people.auth.checkToken({ scopes: ['apikeys:write'] })).toEqual({
    valid: true,
    organization_id: acme.id,
  });
  expect(await people.outboundAddresses.list()).toEqual({ data: [] });
  expect(await services.organization.setBilling(acme.id, { status: 'active' })).toMatchObject({ plan: 'scale' });
  expect(await services.organizations.get(acme.id)).toMatchObject({ id: acme.id, billing_reason: null });
  const listed = await services.organizations.list({ posture: 'active', plan: 'scale' });
  expect(listed.data.map(({ id }) => id)).toEqual([acme.id]);
  const { data: reviewed } = await people.accessReview.list({ finding: ['never_expires', 'unused'] });
  expect(reviewed.map(({ findings }) => findings)).toEqual(reviewed.map(() => ['never_expires']));
  expect(await people.accessReview.exportCsv({ finding: 'never_expires' })).toMatch(/^id,label,/);
  expect((await people.audit.list({ target_id: next.id })).data.length).toBeGreaterThan(0);
  expect(await people.audit.exportCsv({ action: ['api_key.created', 'api_key.revoked'] })).toContain(next.id);
  const at = new Date();
  const delivery = { id: 'notice_1', endpoint: 'gone', organization_id: acme.id, type: 'api_key.created', body: '{}' };
  await service
    .db('outbox')
    .insert({ ...delivery, status: 'delivered', created_at: at, retry_until: at, ended_at: at });
  expect((await people.webhookDeliveries.list({ status: 'delivered' })).data).toMatchObject([{ id: delivery.id }]);
  expect((await people.webhookDeliveries.get(delivery.id)).recent_attempts).toEqual([]);
  const ofAcme = services.webhookDeliveries.of(acme.id);
  expect(await ofAcme.list()).toEqual(await people.webhookDeliveries.list());
  expect(await ofAcme.get(delivery.id)).toEqual(await people.webhookDeliveries.get(delivery.id));
  await expect(ofAcme.replay(delivery.id)).rejects.toMatchObject({ code: 'delivery_not_replayable' });
  await expect(people.webhookDeliveries.replay(delivery.id, { idempotencyKey: 'again' })).rejects.toMatchObject({
    code: 'delivery_not_replayable',
  });
  const anna = support.staff.of(acme.id, { staff_id: 'anna' });
  const provided = await anna.create({ label: 'provided', permission_set: 'read_only' }, { idempotencyKey: 'once' });
  expect(provided).toMatchObject({ label: 'provided', created_by: { kind: 'staff', id: 'support' } });
  expect((await anna.list({ q: 'provided' })).data.map(({ id }) => id)).toEqual([provided.id]);
  expect(await anna.revoke(provided.id)).toEqual({ status: 'revoked' });
  expect(await anna.setIpAllowList([])).toEqual(await anna.ipAllowList());
  expect((await people.audit.list({ actor_id: 'support' })).data[0]?.details).toMatchObject({ staff_id: 'anna' });
  expect(await people.session.get()).toMatchObject({ kind: 'user', organization_id: acme.id });
  const policy = await people.ci.policies.create({
    name: 'deploy',
    issuer: 'github',
    permission_sets: ['read_only'],
    when: { repository_id: 987, ref: { glob: 'refs/heads/*' } },
  });
  expect((await people.ci.policies.list({ limit: 1 })).data).toEqual([policy]);
  expect(await people.ci.policies.get(policy.id)).toEqual(policy);
  expect((await people.ci.policies.update(policy.id, { max_active_keys: 2 })).max_active_keys).toBe(2);
  const token = await service.workos.signCiToken('github', { aud: policy.audience });
  const job = { policy: policy.id, token, lifetime_seconds: 60 };
  const exchanged = await people.ci.exchange(job, { idempotencyKey: 'job' });
  if ('session' in exchanged) throw new Error('the policy issues keys');
  expect(exchanged.api_key.origin).toBe('ci');
  expect((await people.ci.exchange(job, { idempotencyKey: 'job' })).access_token).toBe(exchanged.access_token);
  expect((await people.keys.list({ origin: 'ci' })).data.map(({ id }) => id)).toEqual([exchanged.api_key.id]);
  const draft = { name: 'draft', issuer: 'github', permission_sets: ['read_only'], when: { repository_id: 1 } };
  expect(await people.ci.policies.dryRun({ draft, policy: policy.id })).toMatchObject({ complete: true, refused: 1 });
  expect(await people.ci.explain({ policy: policy.id, token })).toMatchObject({ admitted: true });
  expect(await people.ci.revoke(exchanged.revoke_token)).toEqual({});
  expect(await people.ci.policies.delete(policy.id, { revoke_keys: true })).toEqual({
    status: 'deleted',
    revoked_keys: 0,
  });

  const named = (await documentedRoutes(service)).filter(({ access }) => access !== 'public');
  // Asked by proxies, and by the middleware's stream.
  const elsewhere = ['GET /v1/auth/forward', 'GET /v1/invalidations'];
  const patterns = named.map(({ name }) => name).filter((name) => !elsewhere.includes(name));
  const unused = patterns.filter(
    (name) => ![...asked].some((one) => new RegExp(`^${name.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(one)),
  );
  expect(unused).toEqual([]);
});

test('CiPolicy and ExchangedCiToken have the shapes of the service', () => {
  expectTypeOf<z.output<typeof ServedCiPolicy>>().toEqualTypeOf<CiPolicy>();
  expectTypeOf<z.output<typeof Exchanged>>().toExtend<ExchangedCiToken>();
});

test('ApiKey and CreatedApiKey have the shapes of the service', () => {
  expectTypeOf<z.output<typeof ServedApiKey>>().toExtend<ApiKey>();
  expectTypeOf<ApiKey>().toExtend<z.output<typeof ServedApiKey>>();
  expectTypeOf<z.output<typeof ServedCreatedApiKey>>().toExtend<CreatedApiKey>();
});

test('LatchkeyError has the code, status, request id and details of the service', async () => {
  const error = await refusal(client.keys.create({ label: '', permission_set: 'read_only' }));
  expect(error).toBeInstanceOf(LatchkeyError);
  expect(error).toMatchObject({
    code: 'validation_error',
    status: 400,
    requestId: expect.stringMatching(/^req_/),
    details: { fields: { label: expect.any(String) } },
    retryAfterSeconds: undefined,
  });
  expect(await refusal(client.keys.get('api_key_x/../..'))).toMatchObject({ code: 'api_key_not_found', status: 404 });
});

test('keys.create creates one key when it is repeated with the same idempotencyKey', async () => {
  const wanted = { label: 'once', permission_set: 'read_only' };
  const [first, second] = [
    await client.keys.create(wanted, { idempotencyKey: 'one' }),
    await client.keys.create(wanted, { idempotencyKey: 'one' }),
  ];
  expect(second).toEqual(first);
});

test('keys.create is not retried when there is no answer', async () => {
  let requests = 0;
  const baseUrl = await serve((_req, res) => {
    requests++;
    res.destroy();
  });
  const error = await refusal(
    createLatchkeyClient({ baseUrl, token: 'svc_x' }).keys.create({ label: 'a', permission_set: 'b' }),
  );
  expect([error.code, error.status, requests]).toEqual(['unreachable', undefined, 1]);
});

test('a request ends at its timeout, or with the signal of its caller', async () => {
  const baseUrl = await serve(() => undefined);
  const slow = createLatchkeyClient({ baseUrl, token: 'svc_x', timeoutMs: 30 });
  expect(await refusal(slow.organization.get())).toMatchObject({ code: 'timeout', status: undefined });
  const reason = new Error('the user left');
  expect(await refusal(slow.organization.get({ signal: AbortSignal.abort(reason) }))).toBe(reason);
});

test.each([
  ['a page of something else', (_req, res) => void res.end('<html>')],
  ['an error of something else', (_req, res) => void res.writeHead(502).end('<html>')],
] satisfies [string, RequestListener][])('%s is no answer', async (_what, listener) => {
  const baseUrl = await serve(listener);
  const error = await refusal(createLatchkeyClient({ baseUrl, token: 'svc_x' }).organization.get());
  expect(error.code).toBe('unreadable_answer');
});

test('a redirect is not followed, so that no other host receives the credential', async () => {
  const baseUrl = await serve((_req, res) => void res.writeHead(302, { location: service.url }).end());
  const error = await refusal(createLatchkeyClient({ baseUrl, token: SERVICE_TOKEN }).organization.get());
  expect(error.code).toBe('unreachable');
});

test('LatchkeyError has retryAfterSeconds from Retry-After', async () => {
  const baseUrl = await serve((_req, res) => {
    const error = { code: 'rate_limited', message: 'Slower.', request_id: 'req_x', details: { retry_after: 7 } };
    res.writeHead(429, { 'retry-after': '7' }).end(JSON.stringify({ error }));
  });
  const error = await refusal(createLatchkeyClient({ baseUrl, token: 'svc_x' }).organization.get());
  expect(error).toMatchObject({ code: 'rate_limited', status: 429, retryAfterSeconds: 7 });
});

test.each(['ftp://x', 'nothing', 'http://user:secret@x'])('createLatchkeyClient refuses the baseUrl %j', (baseUrl) => {
  expect(() => createLatchkeyClient({ baseUrl, token: 'svc_x' })).toThrow(TypeError);
});

test('LatchkeyError contains neither the credential nor a presented key', async () => {
  const secrets = ['svc_very_secret', 'sk_presented_key_that_is_secret'];
  const refused = createLatchkeyClient({ baseUrl: service.url, token: secrets[0]! });
  const lost = createLatchkeyClient({ baseUrl: 'http://127.0.0.1:1', token: secrets[0]! });
  for (const asked of [refused, lost]) {
    const error = await refusal(asked.verify({ key: secrets[1]! }));
    for (const secret of secrets) expect(inspect(error, { depth: 10 })).not.toContain(secret);
  }
});

test('printing a client shows no credential', () => {
  expect(inspect(serviceClient, { depth: 10, showHidden: true })).not.toContain(SERVICE_TOKEN);
});

test('a malformed token is refused before a request is sent', async () => {
  const error = await refusal(createLatchkeyClient({ baseUrl: service.url, token: 'a\nb' }).organization.get());
  expect(error).toBeInstanceOf(TypeError);
  expect(inspect(error)).not.toContain('a\nb');
});

test('verify works with a service token', async () => {
  expect(await serviceClient.verify({ key: 'sk_nothing' })).toMatchObject({ valid: false, code: 'not_found' });
});
