import { describe, expect, test } from 'vitest';
import { call, createKey, outcome } from '../support/api.ts';
import type { Answer } from '../support/api.ts';
import { rawCall } from '../support/raw.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';

const service = await startService();
const acme = await service.organizations.add();
const key = await createKey(service, await acme.session('owner'), { permission_set: 'submit_observe' });

const forward = (query: string, headers: Record<string, string> = { 'x-api-key': key.value }): Promise<Answer> =>
  call(service, 'GET', `/v1/auth/forward${query}`, { headers });

describe('GET /v1/auth/forward', () => {
  test('returns 200 for a valid key, with headers that describe it', async () => {
    const answer = await forward('?scope=workspace:read%20tasks:write&operation=create');
    expect(answer.status).toBe(200);
    const valueOf = (name: string) => answer.headers.get(`x-latchkey-${name}`);
    expect([valueOf('organization-id'), valueOf('key-id'), valueOf('permission-set')]).toEqual([
      acme.id,
      key.id,
      'submit_observe',
    ]);
    expect(valueOf('scopes')?.split(' ')).toEqual(['workspace:read', 'workspace:write', 'tasks:write', 'audit:read']);
  });

  test('accepts a bearer key, and answers HEAD', async () => {
    expect((await forward('', { authorization: `Bearer ${key.value}` })).status).toBe(200);
    const head = await call(service, 'HEAD', '/v1/auth/forward', { headers: { 'x-api-key': key.value } });
    expect([head.status, head.headers.get('x-latchkey-key-id')]).toEqual([200, key.id]);
  });

  test('returns 401 without caller headers for a missing or unknown key', async () => {
    expect(outcome(await forward('', {}))).toEqual([401, 'credential_missing']);
    const answer = await forward('', { 'x-api-key': 'sk_nobodys_key_but_long_enough' });
    expect(outcome(answer)).toEqual([401, 'credential_invalid']);
    expect([...answer.headers.keys()].filter((name) => name.startsWith('x-latchkey'))).toEqual([]);
  });

  test('returns 403 for a key without the scope', async () => {
    const answer = await forward('?scope=workspace:read%20caps:write');
    expect(outcome(answer)).toEqual([403, 'permission_denied']);
    expect(answer.headers.get('x-latchkey-key-id')).toBeNull();
  });

  test('returns 423 billing_inactive for an operation that billing refuses, or 403 with map=403', async () => {
    const other = await service.organizations.add();
    const late = await createKey(service, await other.session('owner'));
    const path = `/v1/organizations/${other.id}/billing`;
    await call(service, 'PUT', path, { token: SERVICE_TOKEN, body: { status: 'past_due' } });
    const headers = { 'x-api-key': late.value };
    expect((await forward('', headers)).status).toBe(200);
    expect((await forward('?operation=wind_down', headers)).status).toBe(200);
    expect(outcome(await forward('?operation=create', headers))).toEqual([423, 'billing_inactive']);
    expect(outcome(await forward('?operation=create&map=403', headers))).toEqual([403, 'billing_inactive']);
  });

  test.each([
    ['GET', 200],
    ['HEAD', 200],
    ['DELETE', 200],
    ['POST', 423],
    ['PATCH', 423],
    ['PROPFIND', 423],
  ])('derives the operation of %s from the method', async (method, status) => {
    const other = await service.organizations.add();
    const late = await createKey(service, await other.session('owner'));
    const headers = { 'x-api-key': late.value };
    expect((await rawCall(service, method, '/v1/auth/forward', { headers })).status).toBe(200);
    const path = `/v1/organizations/${other.id}/billing`;
    await call(service, 'PUT', path, { token: SERVICE_TOKEN, body: { status: 'past_due' } });
    // From the mirror, then from memory.
    for (let i = 0; i < 2; i++)
      expect((await rawCall(service, method, '/v1/auth/forward', { headers })).status).toBe(status);
    expect((await rawCall(service, method, '/v1/auth/forward?operation=read', { headers })).status).toBe(200);
  });

  test('returns 401 for an unknown key even with map=403', async () => {
    expect(outcome(await forward('?map=403', { 'x-api-key': 'sk_nobodys_key_but_long_enough' }))[0]).toBe(401);
  });

  test('returns 403 for callers without an API key', async () => {
    for (const token of [await acme.session('owner'), await acme.machineToken(), SERVICE_TOKEN]) {
      expect(outcome(await forward('', { authorization: `Bearer ${token}` }))).toEqual([403, 'permission_denied']);
    }
  });

  test.each(['?operation=delete', '?map=401', '?scope=a&scope=b', '?other=1'])('returns 400 for %s', async (query) => {
    expect(outcome(await forward(query))).toEqual([400, 'validation_error']);
  });
});
