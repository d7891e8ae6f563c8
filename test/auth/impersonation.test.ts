import { decodeJwt } from 'jose';
import { describe, expect, test } from 'vitest';
import { call, createKey, outcome } from '../support/api.ts';
import { atWorkos } from '../support/at-workos.ts';
import { sealSession } from '../support/sealed-session.ts';
import { startService } from '../support/service.ts';
import type { Service } from '../support/service.ts';
import { refresh } from '../sessions/sign-in/sign-in.ts';

const sessions = { password_sign_in: true };
const service = await startService({}, { product: { sessions } });
const IMPERSONATOR = 'support+1@product.test';
const DENIED = [403, 'permission_denied'];
const OK = [200, undefined];

type Opened = { access_token: string; refresh_token: string };

/** A session that the local WorkOS opens for somebody who acts as the organization's owner. */
async function impersonate(at: Pick<Service, 'workos' | 'organizations'> = service) {
  const acme = await at.organizations.add();
  const body = { user_id: acme.userId('owner'), organization_id: acme.id, impersonator: { email: IMPERSONATOR } };
  const opened = await atWorkos<Opened>(at, 'POST', '/_emulator/impersonations', body);
  return { acme, opened, token: opened.access_token, userId: acme.userId('owner') };
}

async function eventsOf(organizationId: string) {
  const rows = await service.db('audit_events').where({ organization_id: organizationId }).orderBy('sequence');
  return rows.map(({ action, actor_kind, actor_id, details }) => ({ action, actor_kind, actor_id, details }));
}

describe('GET /v1/me/session', () => {
  test('shows the impersonator, also after a renewal', async () => {
    const { token, opened, userId } = await impersonate();
    expect(decodeJwt(token)['act']).toEqual({ sub: IMPERSONATOR });
    const renewed = await refresh(service, { refresh_token: opened.refresh_token });
    for (const each of [token, (renewed.body as unknown as Opened).access_token]) {
      const { body } = await call(service, 'GET', '/v1/me/session', { token: each });
      expect(body).toMatchObject({ kind: 'user', user_id: userId, impersonator: { id: IMPERSONATOR } });
    }
  });

  test("shows no impersonator in a user's own session", async () => {
    const acme = await service.organizations.add();
    const { body } = await call(service, 'GET', '/v1/me/session', { token: await acme.session() });
    expect(body).not.toHaveProperty('impersonator');
  });

  test.each([
    ['text', 'support@product.test'],
    ['nobody', {}],
    ['a list', [{ sub: IMPERSONATOR }]],
    ['an empty name', { sub: '' }],
    ['a name with NUL', { sub: 'a\0b' }],
    ['a name with a line break', { sub: 'a\nb' }],
  ])('returns 401 for a token whose act claim is %s', async (_what, act) => {
    const acme = await service.organizations.add();
    const token = await acme.session('owner', { act });
    expect(outcome(await call(service, 'GET', '/v1/me/session', { token }))).toEqual([401, 'credential_invalid']);
  });
});

describe.each([
  ['a token', (token: string) => Promise.resolve({ authorization: `Bearer ${token}` })],
  [
    'a sealed cookie',
    async (token: string) => ({ cookie: `wos_session=${await sealSession(token)}`, 'sec-fetch-site': 'same-origin' }),
  ],
])('with %s', (_what, headersOf: (token: string) => Promise<Record<string, string>>) => {
  test('lets an impersonator read and revoke, but not get a secret or change permissions', async () => {
    const { acme, token, userId } = await impersonate();
    const key = await createKey(service, await acme.session());
    const headers = await headersOf(token);
    const ask = async (method: string, path: string, body?: object) =>
      outcome(await call(service, method, path, { headers, ...(body && { body }) }));
    expect(await ask('GET', '/v1/api-keys')).toEqual(OK);
    expect(await ask('GET', '/v1/audit-events')).toEqual(OK);
    expect(await ask('POST', '/v1/api-keys', { label: 'x', permission_set: 'read_only' })).toEqual(DENIED);
    expect(await ask('POST', `/v1/api-keys/${key.id}/rotate`, {})).toEqual(DENIED);
    expect(await ask('PATCH', `/v1/api-keys/${key.id}`, { label: 'y' })).toEqual(DENIED);
    expect(await ask('PUT', '/v1/organization/ip-allow-list', { ip_allow_list: [], force: true })).toEqual(DENIED);
    expect(await ask('DELETE', `/v1/api-keys/${key.id}`)).toEqual(OK);
    expect((await eventsOf(acme.id)).at(-1)).toEqual({
      action: 'api_key.revoked',
      actor_kind: 'user',
      actor_id: IMPERSONATOR,
      details: { label: key.label, impersonated_user_id: userId },
    });
    const found = await call(service, 'GET', `/v1/audit-events?actor_id=${encodeURIComponent(IMPERSONATOR)}`, {
      headers,
    });
    expect(found.body.data).toMatchObject([{ action: 'api_key.revoked', actor: { id: IMPERSONATOR } }]);
    expect(await ask('POST', '/v1/auth/logout')).toEqual(OK);
    expect((await eventsOf(acme.id)).at(-1)).toMatchObject({ action: 'session.ended', actor_id: IMPERSONATOR });
  });
});

describe('POST /v1/api-keys', () => {
  test("does not replay the user's idempotent answer to an impersonator", async () => {
    const may = ['read', 'create', 'rotate', 'update', 'ip_allow_list'] as const;
    const open = await startService({}, { product: { sessions: { ...sessions, impersonated_may: [...may] } } });
    const { acme, token } = await impersonate(open);
    const body = { label: 'x', permission_set: 'read_only' };
    const create = (by: string) =>
      call(open, 'POST', '/v1/api-keys', { token: by, body, headers: { 'idempotency-key': 'one' } });
    const own = await create(await acme.session());
    const theirs = await create(token);
    expect([own.status, theirs.status]).toEqual([201, 201]);
    expect(theirs.body['id']).not.toBe(own.body['id']);
    expect(theirs.body['created_by']).toEqual({ kind: 'user', id: IMPERSONATOR, name: null });
    const path = `/v1/api-keys/${String(theirs.body['id'])}`;
    expect(outcome(await call(open, 'PATCH', path, { token, body: { label: 'y' } }))).toEqual(OK);
    const denied = await call(open, 'DELETE', path, { token });
    expect([outcome(denied), denied.body.error.details]).toEqual([
      DENIED,
      { impersonated: true, impersonated_may: [...may] },
    ]);
  });
});
