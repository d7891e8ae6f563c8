import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { call, createKey, outcome, verifyKey } from '../support/api.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';

const service = await startService();
const acme = await service.organizations.add();
const owner = () => acme.session('owner');

const verdict = async (body: object): Promise<unknown> => (await verifyKey(service, body)).body['code'];

describe('POST /v1/api-keys/verify', () => {
  test('returns everything about a valid key', async () => {
    const key = await createKey(service, await owner(), { permission_set: 'read_only' });
    const { status, body } = await verifyKey(service, { key: key.value, scopes: ['workspace:read'] });
    expect(status).toBe(200);
    expect(body).toEqual({
      valid: true,
      code: 'valid',
      id: key.id,
      organization_id: acme.id,
      environment: 'live',
      owner: { type: 'organization', id: acme.id },
      label: key.label,
      permission_set: 'read_only',
      scopes: ['workspace:read', 'audit:read'],
      expires_at: null,
      rate_limit: null,
      lease: null,
      retry_after: null,
      enforcement: null,
      ip_restricted: false,
      billing: { posture: 'active', allows: ['read', 'create', 'wind_down'], changes_at: null },
      checked_at: expect.stringMatching(/Z$/),
      source: 'mirror',
      stale_ms: expect.any(Number),
      stale: false,
    });
    expect((await verifyKey(service, { key: key.value })).body).toMatchObject({ code: 'valid', source: 'cache' });
  });

  test.each([
    'sk_nobodys_key_but_long_enough',
    'x',
    'sk_',
    'svc_latchkey_tests',
    '\u0000'.repeat(20),
    'ключ'.repeat(8),
  ])('returns not_found and nothing else for %j', async (key) => {
    expect((await verifyKey(service, { key })).body).toMatchObject({
      valid: false,
      code: 'not_found',
      id: null,
      organization_id: null,
      scopes: [],
      billing: null,
    });
  });

  test('returns revoked from the answer of DELETE on, even for a cached key', async () => {
    const key = await createKey(service, await owner());
    expect(await verdict({ key: key.value })).toBe('valid');
    await call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token: await owner() });
    expect(await verdict({ key: key.value })).toBe('revoked');
  });

  test('returns expired once the clock passes the expiry of a cached key', async () => {
    const expiresAt = new Date(service.clock().getTime() + 60_000).toISOString();
    const key = await createKey(service, await owner(), { expires_at: expiresAt });
    expect((await verifyKey(service, { key: key.value })).body).toMatchObject({ code: 'valid', expires_at: expiresAt });
    service.clock.advance(60_000);
    expect(await verdict({ key: key.value })).toBe('expired');
  });

  test('returns insufficient_scope if one scope is missing', async () => {
    const key = await createKey(service, await owner(), { permission_set: 'read_only' });
    expect(await verdict({ key: key.value, scopes: ['workspace:read', 'tasks:write'] })).toBe('insufficient_scope');
    expect(await verdict({ key: key.value, scopes: ['audit:read', 'workspace:read'] })).toBe('valid');
  });

  test('judges billing by operation, at once after a change', async () => {
    const other = await service.organizations.add();
    const key = await createKey(service, await other.session('owner'));
    const creates = () => verdict({ key: key.value, operation: 'create' });
    expect(await creates()).toBe('valid');
    const path = `/v1/organizations/${other.id}/billing`;
    await call(service, 'PUT', path, { token: SERVICE_TOKEN, body: { status: 'past_due' } });
    expect(await creates()).toBe('billing_inactive');
    expect(await verdict({ key: key.value, operation: 'read' })).toBe('valid');
    expect(await verdict({ key: key.value, operation: 'wind_down' })).toBe('valid');
    await call(service, 'PUT', path, { token: SERVICE_TOKEN, body: { status: 'active' } });
    expect(await creates()).toBe('valid');
  });

  test('returns a changed label at once', async () => {
    const key = await createKey(service, await owner(), { label: 'before' });
    await verifyKey(service, { key: key.value });
    await call(service, 'PATCH', `/v1/api-keys/${key.id}`, { token: await owner(), body: { label: 'after' } });
    expect((await verifyKey(service, { key: key.value })).body['label']).toBe('after');
  });

  test('returns valid for a rotated key until its grace ends', async () => {
    const key = await createKey(service, await owner());
    expect(await verdict({ key: key.value })).toBe('valid');
    const rotated = await call(service, 'POST', `/v1/api-keys/${key.id}/rotate`, {
      token: await owner(),
      body: { grace_seconds: 60 },
    });
    expect(await verdict({ key: key.value })).toBe('valid');
    expect(await verdict({ key: rotated.body['value'] })).toBe('valid');
    service.clock.advance(61_000);
    expect(await verdict({ key: key.value })).toBe('expired');
  });

  test('verifies a hundred keys in one call, in order', async () => {
    const key = await createKey(service, await owner());
    const keys = Array.from({ length: 100 }, (_, i) => ({ key: i % 2 === 0 ? key.value : `sk_made_up_and_long_${i}` }));
    const { data } = (await verifyKey(service, { keys })).body;
    expect(data.map(({ code }) => code)).toEqual(keys.map((_, i) => (i % 2 === 0 ? 'valid' : 'not_found')));
  });

  test.each([
    ['no key', {}],
    ['an empty key', { key: '' }],
    ['a key that is no string', { key: 7 }],
    ['a key of 513 characters', { key: 'k'.repeat(513) }],
    ['an unknown operation', { key: 'k', operation: 'delete' }],
    ['an unknown field', { key: 'k', organization: 'org_x' }],
    ['no keys', { keys: [] }],
    ['101 keys', { keys: Array.from({ length: 101 }, () => ({ key: 'k' })) }],
    ['a key and keys', { key: 'k', keys: [{ key: 'k' }] }],
  ])('refuses %s with 400', async (_what, body) => {
    expect(outcome(await verifyKey(service, body))).toEqual([400, 'validation_error']);
  });

  test('finds keys of its own organization only for a machine token', async () => {
    const key = await createKey(service, await owner());
    const other = await service.organizations.add();
    const mine = await verifyKey(service, { key: key.value }, await acme.machineToken('apikeys:verify'));
    expect(mine.body).toMatchObject({ code: 'valid', id: key.id });
    const foreign = await verifyKey(service, { key: key.value }, await other.machineToken('apikeys:verify'));
    expect(foreign.body).toMatchObject({ code: 'not_found', id: null, organization_id: null, source: null });
  });

  test('returns 403 to other callers', async () => {
    const key = await createKey(service, await owner());
    const body = { key: key.value };
    expect(outcome(await verifyKey(service, body, await acme.machineToken('apikeys:write')))).toEqual([
      403,
      'permission_denied',
    ]);
    expect(outcome(await verifyKey(service, body, await owner()))).toEqual([403, 'permission_denied']);
    expect(outcome(await verifyKey(service, body, key.value))).toEqual([403, 'permission_denied']);
  });

  test('verifies while WorkOS does not answer', async () => {
    const key = await createKey(service, await owner());
    service.workos.faults.add({ kind: 'hang', path: '/', times: 0 });
    expect(await verdict({ key: key.value })).toBe('valid');
    service.workos.faults.clear();
  });

  test('does not lower stale_ms when the clock steps back', async () => {
    const { value: key } = await createKey(service, await (await service.organizations.add()).session());
    await verifyKey(service, { key });
    await sleep(30);
    service.clock.advance(-3_600_000);
    const { body } = await verifyKey(service, { key });
    service.clock.advance(3_600_000);
    expect(body).toMatchObject({ valid: true, source: 'cache' });
    expect(body['stale_ms']).toBeGreaterThanOrEqual(29);
  });
});
