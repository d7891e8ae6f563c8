import { describe, expect, test } from 'vitest';
import { call, createKey, outcome, requestKey } from '../support/api.ts';
import type { Answer } from '../support/api.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';
import { startTestEnvironment } from '../support/test-environment.ts';
import { failAt } from '../support/workos-faults.ts';
import { keysAtWorkos, userKeysAtWorkos, workosRequests } from '../support/workos-keys.ts';
import type { Organization } from '../support/organizations.ts';

const LIMIT = 3;
const service = await startService(
  {},
  { product: { api_keys: { prefixes: ['sk_'], owners: ['organization', 'user'], keys_per_user: LIMIT } } },
);
const { db } = service;

const OWN = { permissions: ['apikeys:write:own', 'workspace:read', 'audit:read'] };
const own = (acme: Organization) => acme.session('member', OWN);
const personal = (token: string, body: object = {}) => createKey(service, token, { owner: 'user', ...body });
const ask = (token: string, method: string, path: string, body?: object): Promise<Answer> =>
  call(service, method, path, { token, ...(body && { body }) });
const verify = async (key: string) =>
  (await ask(SERVICE_TOKEN, 'POST', '/v1/api-keys/verify', { key })).body as Readonly<Record<string, unknown>>;
const idsOf = async (token: string, query = '') =>
  (await ask(token, 'GET', `/v1/api-keys${query}`)).body.data.map(({ id }) => id);

describe('POST /v1/api-keys with owner user', () => {
  test('creates a personal key at WorkOS and names its owner in every answer', async () => {
    const acme = await service.organizations.add();
    const userId = acme.userId('member');
    const key = await personal(await own(acme));
    expect(key).toMatchObject({ owner: { type: 'user', id: userId }, created_by: { kind: 'user', id: userId } });
    expect(await keysAtWorkos(service, acme.id)).toEqual([]);
    const there = await userKeysAtWorkos(service, userId);
    expect(there).toMatchObject([{ id: key.id, owner: { type: 'user', id: userId, organization_id: acme.id } }]);
    expect(await verify(key.value)).toMatchObject({
      valid: true,
      owner: { type: 'user', id: userId },
      organization_id: acme.id,
      scopes: ['workspace:read', 'audit:read'],
    });
    const session = await ask(key.value, 'GET', '/v1/me/session');
    expect(session.body).toMatchObject({ kind: 'api_key', user_id: userId, api_key_id: key.id });
    const events = await db('audit_events').where({ organization_id: acme.id, target_id: key.id });
    expect(events).toMatchObject([{ action: 'api_key.created', details: { owner: { type: 'user', id: userId } } }]);
  });

  test("counts personal keys towards each person's own quota", async () => {
    const acme = await service.organizations.add();
    const [member, owner] = [await own(acme), await acme.session()];
    const made = await Promise.all(
      Array.from({ length: LIMIT + 2 }, () => requestKey(service, member, { owner: 'user' })),
    );
    expect(made.filter(({ status }) => status === 201)).toHaveLength(LIMIT);
    const refused = made.find(({ status }) => status === 409)!;
    expect(refused.body.error).toMatchObject({ code: 'key_limit_reached', details: { limit: LIMIT, owner: 'user' } });
    await personal(owner);
    const { body } = await ask(owner, 'GET', '/v1/organization');
    expect(body['usage']).toMatchObject({ api_keys: 0 });
    const mine = made.find(({ status }) => status === 201)!.body['id'] as string;
    // A rotation does not count, and a revocation frees one.
    expect(outcome(await ask(member, 'POST', `/v1/api-keys/${mine}/rotate`, {}))).toEqual([201, undefined]);
    expect(outcome(await requestKey(service, member, { owner: 'user' }))).toEqual([409, 'key_limit_reached']);
    const [first] = await idsOf(member, '?status=active');
    expect(outcome(await ask(member, 'DELETE', `/v1/api-keys/${String(first)}`))).toEqual([200, undefined]);
    await personal(member);
  });

  test("refuses machines and API keys, and an organization's key to a caller with …:own alone", async () => {
    const acme = await service.organizations.add();
    const denied = [403, 'permission_denied'];
    expect(outcome(await requestKey(service, await acme.machineToken(), { owner: 'user' }))).toEqual(denied);
    expect(outcome(await requestKey(service, await acme.machineToken('apikeys:write:own'), { owner: 'user' }))).toEqual(
      denied,
    );
    expect(outcome(await requestKey(service, await own(acme)))).toEqual(denied);
    expect(outcome(await requestKey(service, await own(acme), { owner: 'organization' }))).toEqual(denied);
    expect(outcome(await requestKey(service, await acme.session('member'), { owner: 'user' }))).toEqual(denied);
    const key = await personal(await own(acme));
    expect(outcome(await requestKey(service, key.value, { owner: 'user' }))).toEqual(denied);
    expect(outcome(await requestKey(service, await own(acme), { owner: acme.userId('owner') }))).toEqual([
      400,
      'validation_error',
    ]);
    expect(await db('api_keys').where({ organization_id: acme.id })).toHaveLength(1);
  });

  test('refuses a person who is no member at WorkOS and leaves nothing behind', async () => {
    const acme = await service.organizations.add();
    const token = await acme.session('member', { ...OWN, sub: `${acme.userId('member')}x` });
    expect(outcome(await requestKey(service, token, { owner: 'user' }))).toEqual([502, 'workos_rejected']);
    expect(await db('api_keys').where({ organization_id: acme.id }).pluck('status')).toEqual(['failed']);
  });

  test("finds and deletes the key of a lost answer among the person's keys", async () => {
    const acme = await service.organizations.add();
    const userId = acme.userId('member');
    service.workos.faults.add({ kind: 'reset_after', method: 'POST', path: '/user_management/users/:id/api_keys' });
    expect(outcome(await requestKey(service, await own(acme), { owner: 'user' }))).toEqual([503, 'workos_unavailable']);
    expect(await userKeysAtWorkos(service, userId)).toHaveLength(1);
    expect(workosRequests(service, 'POST', `/user_management/users/${userId}/api_keys`)).toBe(1);
    await service.background.runOnce('settle');
    expect(await userKeysAtWorkos(service, userId)).toEqual([]);
    expect(await db('api_keys').where({ organization_id: acme.id }).pluck('status')).toEqual(['failed']);
  });

  test('returns 400 for a personal test key', async () => {
    const { env } = await startTestEnvironment();
    const api_keys = { prefixes: ['sk_'], owners: ['user' as const] };
    const both = await startService(env, { product: { api_keys } });
    const acme = await both.organizations.add();
    const body = { label: 'x', permission_set: 'read_only', environment: 'test' };
    const answer = await call(both, 'POST', '/v1/api-keys', { token: await acme.session('member', OWN), body });
    expect(outcome(answer)).toEqual([400, 'validation_error']);
    expect(Object.keys(answer.body.error.details?.['fields'] as object)).toEqual(['environment']);
  });

  test('creates personal keys by default where a product has no others', async () => {
    const only = await startService({}, { product: { api_keys: { prefixes: ['sk_'], owners: ['user'] } } });
    const acme = await only.organizations.add();
    const token = await acme.session('member', OWN);
    expect(await createKey(only, token)).toMatchObject({ owner: { type: 'user' } });
    const body = { label: 'x', permission_set: 'read_only' };
    const machine = await call(only, 'POST', '/v1/api-keys', { token: await acme.machineToken(), body });
    expect(outcome(machine)).toEqual([403, 'permission_denied']);
    const shared = await call(only, 'POST', '/v1/api-keys', { token, body: { ...body, owner: 'organization' } });
    expect(outcome(shared)).toEqual([400, 'validation_error']);
  });
});

describe('GET /v1/auth/forward', () => {
  test('names the owner of a personal key, and of no other, to a proxy', async () => {
    const acme = await service.organizations.add();
    const mine = await personal(await own(acme));
    const shared = await createKey(service, await acme.session());
    // By the route first, then from memory.
    for (let i = 0; i < 2; i++) {
      const headers = async (token: string) => (await ask(token, 'GET', '/v1/auth/forward')).headers;
      expect((await headers(mine.value)).get('x-latchkey-owner-id')).toBe(acme.userId('member'));
      expect((await headers(shared.value)).get('x-latchkey-owner-id')).toBeNull();
    }
    const session = await ask(shared.value, 'GET', '/v1/me/session');
    expect(session.body['user_id']).toBe('user_system_api_key');
  });
});

describe('GET /v1/api-keys', () => {
  test("refuses a cursor that the caller's list does not show", async () => {
    const acme = await service.organizations.add();
    const mine = await personal(await own(acme));
    const shared = await createKey(service, await acme.session());
    const others = await acme.session('operator', { ...OWN, sub: acme.userId('operator') });
    const theirs = await personal(others);
    const token = await own(acme);
    for (const foreign of [shared.id, theirs.id, 'api_key_made_up']) {
      for (const way of ['after', 'before']) {
        const answer = await ask(token, 'GET', `/v1/api-keys?${way}=${foreign}`);
        expect(outcome(answer)).toEqual([400, 'validation_error']);
      }
    }
    expect(await idsOf(token, `?after=${mine.id}`)).toEqual([]);
    expect(await idsOf(await acme.session(), `?after=${theirs.id}`)).toEqual([shared.id, mine.id]);
  });
});

describe('DELETE /v1/api-keys/{id} of a personal key', () => {
  test('settles a revocation that WorkOS did not confirm', async () => {
    const acme = await service.organizations.add();
    const member = await own(acme);
    const key = await personal(member);
    failAt(service, 'delete', { kind: 'status', status: 503 });
    expect(outcome(await ask(member, 'DELETE', `/v1/api-keys/${key.id}`))).toEqual([200, undefined]);
    service.workos.faults.clear();
    service.clock.advance(60_000);
    await service.background.runOnce('settle');
    expect(await userKeysAtWorkos(service, acme.userId('member'))).toEqual([]);
  });
});

describe('personal keys', () => {
  test('hides other keys from a caller with …:own scopes, and none from administrators', async () => {
    const acme = await service.organizations.add();
    const [member, owner] = [await own(acme), await acme.session()];
    const mine = await personal(member);
    const theirs = await personal(owner);
    const shared = await createKey(service, owner);
    for (const { id } of [theirs, shared]) {
      const path = `/v1/api-keys/${id}`;
      const asked = [
        ['GET', path],
        ['GET', `${path}/usage`],
        ['PATCH', path, { label: 'taken' }],
        ['POST', `${path}/rotate`, {}],
        ['DELETE', path],
      ] as const;
      for (const [method, at, body] of asked)
        expect(outcome(await ask(member, method, at, body))).toEqual([404, 'api_key_not_found']);
    }
    expect(await idsOf(member)).toEqual([mine.id]);
    expect(await idsOf(member, '?owner=user')).toEqual([mine.id]);
    expect(await idsOf(member, '?owner=me')).toEqual([mine.id]);
    expect(outcome(await ask(member, 'GET', '/v1/api-keys?owner=organization'))).toEqual([403, 'permission_denied']);
    expect(await idsOf(owner)).toEqual([shared.id, theirs.id, mine.id]);
    expect(await idsOf(owner, '?owner=organization')).toEqual([shared.id]);
    expect(await idsOf(owner, '?owner=user')).toEqual([theirs.id, mine.id]);
    expect(await idsOf(owner, '?owner=me')).toEqual([theirs.id]);
    const machine = await acme.machineToken('apikeys:read');
    expect(await idsOf(machine)).toHaveLength(3);
    expect(outcome(await ask(machine, 'GET', '/v1/api-keys?owner=me'))).toEqual([403, 'permission_denied']);
    const nobody = await acme.machineToken('apikeys:read:own');
    for (const path of ['/v1/api-keys', `/v1/api-keys/${mine.id}`, `/v1/api-keys/${mine.id}/usage`])
      expect(outcome(await ask(nobody, 'GET', path))).toEqual([403, 'permission_denied']);
  });

  test('lets the owner change, rotate and revoke, and an administrator all but rotate', async () => {
    const acme = await service.organizations.add();
    const [member, owner] = [await own(acme), await acme.session()];
    const mine = await personal(member);
    const path = `/v1/api-keys/${mine.id}`;
    expect((await ask(member, 'PATCH', path, { label: 'renamed' })).body['label']).toBe('renamed');
    expect((await ask(owner, 'PATCH', path, { label: 'again' })).body['label']).toBe('again');
    expect(outcome(await ask(owner, 'POST', `${path}/rotate`, {}))).toEqual([403, 'permission_denied']);
    const rotated = await ask(member, 'POST', `${path}/rotate`, {});
    expect(rotated.body).toMatchObject({ owner: { type: 'user', id: acme.userId('member') }, rotated_from: mine.id });
    expect(await verify(mine.value)).toMatchObject({ code: 'expired' });
    expect(await verify(String(rotated.body['value']))).toMatchObject({ valid: true });
    expect(outcome(await ask(member, 'GET', `${path}/usage`))).toEqual([200, undefined]);
    expect(outcome(await ask(owner, 'DELETE', `/v1/api-keys/${String(rotated.body['id'])}`))).toEqual([200, undefined]);
    expect(await verify(String(rotated.body['value']))).toMatchObject({ code: 'revoked' });
    await expect.poll(() => userKeysAtWorkos(service, acme.userId('member'))).toHaveLength(1);
  });

  test('grants nothing that the owner does not hold, and shows it so', async () => {
    const acme = await service.organizations.add();
    const member = await acme.session('member', { permissions: ['apikeys:write:own', 'workspace:read'] });
    const key = await personal(member);
    expect(key).toMatchObject({ scopes: ['workspace:read', 'audit:read'], effective_scopes: ['workspace:read'] });
    expect(await verify(key.value)).toMatchObject({ valid: true, scopes: ['workspace:read'] });
    const body = { key: key.value, scopes: ['audit:read'] };
    const asked = await ask(SERVICE_TOKEN, 'POST', '/v1/api-keys/verify', body);
    expect(asked.body['code']).toBe('insufficient_scope');
    const { body: shown } = await ask(member, 'GET', `/v1/api-keys/${key.id}`);
    expect(shown).toMatchObject({ effective_scopes: ['workspace:read'] });
    expect((await ask(key.value, 'GET', '/v1/me/session')).body['permissions']).toEqual(['workspace:read']);
  });

  test('gives …:own scopes no effect where a product has no personal keys', async () => {
    const plain = await startService();
    const acme = await plain.organizations.add();
    const body = { label: 'x', permission_set: 'read_only', owner: 'user' };
    const asOwner = await call(plain, 'POST', '/v1/api-keys', { token: await acme.session(), body });
    expect(outcome(asOwner)).toEqual([400, 'validation_error']);
    for (const [method, path] of [
      ['POST', '/v1/api-keys'],
      ['GET', '/v1/api-keys'],
    ] as const) {
      const answer = await call(plain, method, path, { token: await acme.session('member', OWN) });
      expect(outcome(answer)).toEqual([403, 'permission_denied']);
    }
  });
});
