import { afterEach, describe, expect, test } from 'vitest';
import { call, outcome } from '../support/api.ts';
import type { Answer } from '../support/api.ts';
import { deleteAtWorkos, expireAtWorkos, makeDashboardKey, signWebhook } from '../support/at-workos.ts';
import { startService } from '../support/service.ts';

const SECRET = 'a webhook secret of the tests';
const PATH = '/v1/hooks/workos';
const MINUTE_MS = 60_000;
const service = await startService({ WORKOS_WEBHOOK_SECRET: SECRET });
const { db, workos } = service;
workos.seed({ webhookEndpoints: [{ url: `${service.url}${PATH}`, secret: SECRET }] });

afterEach(() => workos.deliverEvents({ delay_ms: 0, duplicate: false, reorder: false }));

type Sent = { secret?: string; sentAt?: number; headers?: Record<string, string> };

function send(body: unknown, { secret = SECRET, sentAt = Date.now(), headers = {} }: Sent = {}): Promise<Answer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return call(service, 'POST', PATH, {
    body: text,
    headers: { 'workos-signature': signWebhook(secret, text, sentAt), ...headers },
  });
}

function keyCreated(organizationId: string, id = 'api_key_x', data: object = {}) {
  const now = new Date().toISOString();
  return {
    object: 'event',
    id: 'event_x',
    event: 'api_key.created',
    created_at: now,
    data: {
      object: 'api_key',
      id,
      owner: { type: 'organization', id: organizationId },
      name: 'by hand',
      obfuscated_value: 'sk_...abcd',
      last_used_at: null,
      expires_at: null,
      permissions: [],
      created_at: now,
      updated_at: now,
      ...data,
    },
    context: { actor: { id: 'user_admin', source: 'dashboard', name: null } },
  };
}

const statusesOf = (organizationId: string) =>
  db('api_keys').where({ organization_id: organizationId }).orderBy('created_at').pluck('status');

describe('POST /v1/hooks/workos', () => {
  test('applies events of WorkOS', async () => {
    const acme = await service.organizations.add();
    const key = await makeDashboardKey(service, acme.id);
    await expect.poll(() => statusesOf(acme.id), { timeout: 5_000 }).toEqual(['active']);
    await deleteAtWorkos(service, key.id);
    await expect.poll(() => statusesOf(acme.id), { timeout: 5_000 }).toEqual(['revoked']);
    const events = await db('audit_events').where({ organization_id: acme.id }).orderBy('sequence');
    expect(events.map(({ action, actor_kind: kind, actor_id: id }) => [action, kind, id])).toEqual([
      ['api_key.created', 'workos', 'local_workos'],
      ['api_key.revoked', 'workos', 'local_workos'],
    ]);
    expect(events.every(({ request_id: id }) => /^req_[0-9a-f]{24}$/.test(id))).toBe(true);
  });

  test('ends in the same mirror for events that arrive twice and out of order', async () => {
    const acme = await service.organizations.add();
    workos.deliverEvents({ duplicate: true, reorder: true });
    const [gone, dated] = [await makeDashboardKey(service, acme.id), await makeDashboardKey(service, acme.id)];
    const end = new Date(Date.now() + 60 * MINUTE_MS);
    await expireAtWorkos(service, dated.id, end);
    await deleteAtWorkos(service, gone.id);
    const state = () =>
      db('api_keys').where({ organization_id: acme.id }).orderBy('created_at').select('status', 'expires_at');
    await expect.poll(state, { timeout: 5_000 }).toEqual([
      { status: 'revoked', expires_at: null },
      { status: 'active', expires_at: end },
    ]);
    await service.background.runOnce('events');
    const actions = await db('audit_events').where({ organization_id: acme.id }).pluck('target_id');
    expect(actions.length).toBeLessThanOrEqual(4);
  });

  test('answers applied, and unchanged for the same event again', async () => {
    const acme = await service.organizations.add();
    const event = keyCreated(acme.id, 'api_key_twice');
    expect(await send(event)).toMatchObject({ status: 200, body: { outcome: 'applied' } });
    expect(await send(event)).toMatchObject({ status: 200, body: { outcome: 'unchanged' } });
    expect(await statusesOf(acme.id)).toEqual(['active']);
  });

  test.each([
    ['a kind that does not concern Latchkey', { id: 'event_x', event: 'user.created', data: {}, created_at: 'x' }],
    ['an unknown kind', { id: 'event_x', event: 'mystery', data: null, created_at: 'x' }],
  ])('ignores %s', async (_what, event) => {
    expect(await send(event)).toMatchObject({ status: 200, body: { outcome: 'ignored' } });
  });

  test('stores an unreadable event, and logs an error', async () => {
    const answer = await send({ ...keyCreated('org_x'), id: 'event_unreadable', data: {} });
    expect(answer).toMatchObject({ status: 200, body: { outcome: 'kept' } });
    expect(
      service.logs.some((line) => line.includes('event_unreadable') && line.includes('unreadable WorkOS event')),
    ).toBe(true);
  });

  test.each([
    ['with another secret', { secret: 'another secret of the tests' }],
    ['sent more than three minutes ago', { sentAt: Date.now() - 4 * MINUTE_MS }],
    ['sent more than three minutes from now', { sentAt: Date.now() + 4 * MINUTE_MS }],
    ['sent at a time in seconds', { sentAt: Math.floor(Date.now() / 1_000) }],
  ])('returns 401 credential_invalid for a signature made %s', async (_what, sent) => {
    const acme = await service.organizations.add();
    expect(outcome(await send(keyCreated(acme.id), sent))).toEqual([401, 'credential_invalid']);
    expect(await statusesOf(acme.id)).toEqual([]);
  });

  test.each([
    ['v1=x', 'credential_invalid'],
    ['t=1', 'credential_invalid'],
    ['t=NaN, v1=abc', 'credential_invalid'],
    [`t=${Date.now()}, v1=`, 'credential_invalid'],
    [`t=${Date.now()}, v1=zz`, 'credential_invalid'],
    [`t=${Date.now()}, v0=abc`, 'credential_invalid'],
    [',,,,', 'credential_invalid'],
    ['', 'credential_missing'],
  ])('returns 401 for the signature %j', async (signature, code) => {
    const sent = { headers: { 'workos-signature': signature } };
    expect(outcome(await send(keyCreated('org_x'), sent))).toEqual([401, code]);
  });

  test('returns 401 without a signature, also with other credentials', async () => {
    const token = await (await service.organizations.add()).session();
    expect(outcome(await call(service, 'POST', PATH, { token, body: {} }))).toEqual([401, 'credential_missing']);
  });

  test('returns 401 for the signature of another body', async () => {
    const text = JSON.stringify(keyCreated('org_x'));
    const headers = { 'workos-signature': signWebhook(SECRET, text) };
    expect(outcome(await send(`${text} `, { headers }))).toEqual([401, 'credential_invalid']);
  });

  test.each([
    ['no JSON', '{"id":'],
    ['empty', ''],
    ['a list', '[]'],
    ['a number', '1'],
    ['an object that is no event', '{}'],
  ])('returns 400 validation_error for a signed body that is %s', async (_what, text) => {
    expect(outcome(await send(text))).toEqual([400, 'validation_error']);
  });

  test('returns 415 for a signed body of another type', async () => {
    const answer = await send(keyCreated('org_x'), { headers: { 'content-type': 'text/plain' } });
    expect(outcome(answer)).toEqual([415, 'unsupported_media_type']);
  });

  test('accepts a body of 256 KiB, and returns 413 for a larger one', async () => {
    const acme = await service.organizations.add();
    const padded = (bytes: number) => {
      const event = { ...keyCreated(acme.id, 'api_key_large'), padding: '' };
      return { ...event, padding: 'x'.repeat(bytes - JSON.stringify(event).length) };
    };
    expect((await send(padded(256 * 1024))).status).toBe(200);
    expect(outcome(await send(padded(256 * 1024 + 1)))).toEqual([413, 'payload_too_large']);
  });

  test('returns 503 while the database is away, so that WorkOS retries', async () => {
    const acme = await service.organizations.add();
    const other = await startService({ WORKOS_WEBHOOK_SECRET: SECRET });
    await other.db.destroy();
    const text = JSON.stringify(keyCreated(acme.id));
    const answer = await call(other, 'POST', PATH, {
      body: text,
      headers: { 'workos-signature': signWebhook(SECRET, text) },
    });
    expect(outcome(answer)).toEqual([503, 'database_unavailable']);
    expect(answer.headers.get('retry-after')).not.toBeNull();
  });

  test('is documented with the WorkOS signature', async () => {
    const document = (await call(service, 'GET', '/openapi.json')).body as unknown as {
      paths: Record<string, { post: { security: object[]; responses: object } }>;
      components: { securitySchemes: object };
    };
    const operation = document.paths[PATH]!.post;
    expect(operation.security).toEqual([{ workosSignature: [] }]);
    expect(document.components.securitySchemes).toMatchObject({ workosSignature: { name: 'WorkOS-Signature' } });
    expect(Object.keys(operation.responses).toSorted()).toEqual(['200', '400', '401', '413', '415', '500', '503']);
  });

  test('does not exist without WORKOS_WEBHOOK_SECRET', async () => {
    const other = await startService();
    const text = JSON.stringify(keyCreated('org_x'));
    const answer = await call(other, 'POST', PATH, {
      body: text,
      headers: { 'workos-signature': signWebhook(SECRET, text) },
    });
    expect(outcome(answer)).toEqual([404, 'route_not_found']);
  });

  test('returns 405 for another method', async () => {
    expect(outcome(await call(service, 'GET', PATH))).toEqual([405, 'method_not_allowed']);
  });
});
