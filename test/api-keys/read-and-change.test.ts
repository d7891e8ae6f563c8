import { describe, expect, test } from 'vitest';
import { call, createKey, outcome } from '../support/api.ts';
import type { Answer } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { keysAtWorkos, workosRequests } from '../support/workos-keys.ts';

const service = await startService();

const get = (token: string, id: string) => call(service, 'GET', `/v1/api-keys/${id}`, { token });
const patch = (token: string, id: string, body: unknown) =>
  call(service, 'PATCH', `/v1/api-keys/${id}`, { token, body });
const fieldsOf = ({ body }: Answer) => Object.keys(body.error.details?.['fields'] as object);

async function organizationWithKey(extra: object = {}) {
  const acme = await service.organizations.add();
  const owner = await acme.session('owner');
  return { acme, owner, key: await createKey(service, owner, extra) };
}

describe('GET /v1/api-keys/{id}', () => {
  test('returns the created key without its secret', async () => {
    const { owner, key } = await organizationWithKey({ label: 'CI', description: 'x', metadata: { a: 'b' } });
    const { value, ...rest } = key;
    expect((await get(owner, key.id)).body).toEqual(rest);
    expect(value).toMatch(/^sk_/);
  });

  test('returns a key to every caller with apikeys:read', async () => {
    const { acme, key } = await organizationWithKey();
    const reader = await acme.session('member', { permissions: ['apikeys:read'] });
    expect((await get(reader, key.id)).status).toBe(200);
    expect((await get(await acme.machineToken('apikeys:read'), key.id)).status).toBe(200);
    expect(outcome(await get(await acme.session('member'), key.id))).toEqual([403, 'permission_denied']);
  });

  test.each(['api_key_never_made', '%00', '%20', '..%2f..', "'", 'a'.repeat(1024), '__proto__', '💥', '1'])(
    'knows no key %j: 404',
    async (id) => {
      const acme = await service.organizations.add();
      const owner = await acme.session();
      const path = `/v1/api-keys/${encodeURI(id).replaceAll('%25', '%')}`;
      for (const [method, body] of [['GET'], ['DELETE'], ['PATCH', { label: 'x' }]] as const) {
        const answer = await call(service, method, path, { token: owner, body });
        expect(outcome(answer)).toEqual([404, 'api_key_not_found']);
      }
    },
  );
});

describe('PATCH /v1/api-keys/{id}', () => {
  test('changes label, description and metadata one by one, and nothing else', async () => {
    const { owner, key } = await organizationWithKey({ label: 'old', description: 'old', metadata: { old: '1' } });
    const { value: _secret, ...before } = key;
    service.clock.advance(1_000);
    const first = await patch(owner, key.id, { label: 'new' });
    expect(outcome(first)).toEqual([200, undefined]);
    expect(first.body).toEqual({ ...before, label: 'new', updated_at: first.body['updated_at'] });
    expect(Date.parse(String(first.body['updated_at']))).toBeGreaterThan(Date.parse(String(first.body['created_at'])));
    const second = await patch(owner, key.id, { metadata: { new: '2' } });
    expect(second.body).toMatchObject({ label: 'new', description: 'old' });
    expect(second.body['metadata']).toEqual({ new: '2' });
    expect((await patch(owner, key.id, { description: null })).body).toMatchObject({ label: 'new', description: null });
    expect((await get(owner, key.id)).body).toMatchObject({ label: 'new', description: null, metadata: { new: '2' } });
  });

  test("shows the new label in the key's own session at once", async () => {
    const { owner, key } = await organizationWithKey({ label: 'old' });
    await patch(owner, key.id, { label: 'new' });
    const { body } = await call(service, 'GET', '/v1/me/session', { token: key.value });
    expect(body).toMatchObject({ kind: 'api_key', api_key_label: 'new' });
  });

  test.each([
    [{}, 'body'],
    [{ label: '' }, 'label'],
    [{ label: 'x'.repeat(101) }, 'label'],
    [{ label: null }, 'label'],
    [{ permission_set: 'full_access' }, 'permission_set'],
    [{ scopes: [] }, 'scopes'],
    [{ status: 'active' }, 'status'],
    [{ expires_at: '2020-01-01T00:00:00Z' }, 'expires_at'],
    [{ description: 'x'.repeat(501) }, 'description'],
    [{ metadata: null }, 'metadata'],
    [[], 'body'],
  ])('returns 400 on the field for %j', async (change, field) => {
    const { owner, key } = await organizationWithKey({ label: 'kept' });
    const answer = await patch(owner, key.id, change);
    expect(outcome(answer)).toEqual([400, 'validation_error']);
    expect(fieldsOf(answer)).toContain(field);
    expect((await get(owner, key.id)).body).toMatchObject({ label: 'kept', permission_set: 'read_only' });
  });
});

describe('DELETE /v1/api-keys/{id}', () => {
  test('revokes in the answer, the key, the list and at WorkOS', async () => {
    const { acme, owner, key } = await organizationWithKey();
    expect((await call(service, 'GET', '/v1/me/session', { token: key.value })).status).toBe(200);
    const answer = await call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token: owner });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ status: 'revoked' });
    expect(outcome(await call(service, 'GET', '/v1/me/session', { token: key.value }))).toEqual([
      401,
      'credential_invalid',
    ]);
    expect(await keysAtWorkos(service, acme.id)).toEqual([]);
    expect((await get(owner, key.id)).body).toMatchObject({ status: 'revoked', revoked_at: expect.any(String) });
  });

  test('returns the same answer again, with one event and one deletion at WorkOS', async () => {
    const { acme, owner, key } = await organizationWithKey();
    const answers = [];
    for (let i = 0; i < 3; i++) answers.push(await call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token: owner }));
    expect(answers.map(({ status, body }) => [status, body])).toEqual(
      Array.from({ length: 3 }, () => [200, { status: 'revoked' }]),
    );
    expect(workosRequests(service, 'DELETE', `/api_keys/${key.id}`)).toBe(1);
    const events = await service.db('audit_events').where({ organization_id: acme.id, action: 'api_key.revoked' });
    expect(events).toHaveLength(1);
  });

  test('records one event of ten simultaneous revocations', async () => {
    const { acme, owner, key } = await organizationWithKey();
    const revoke = () => call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token: owner });
    const answers = await Promise.all(Array.from({ length: 10 }, revoke));
    expect(answers.map(outcome)).toEqual(Array.from({ length: 10 }, () => [200, undefined]));
    const events = await service.db('audit_events').where({ organization_id: acme.id, action: 'api_key.revoked' });
    expect(events).toHaveLength(1);
  });

  test('revokes a key that WorkOS has deleted already', async () => {
    const { acme, owner, key } = await organizationWithKey();
    const headers = { authorization: `Bearer ${service.workos.apiKey}` };
    await fetch(`${service.workos.url}/api_keys/${key.id}`, { method: 'DELETE', headers });
    const answer = await call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token: owner });
    expect(answer.body).toEqual({ status: 'revoked' });
    const row = await service.db('api_keys').where({ organization_id: acme.id }).first('workos_deleted_at');
    expect(row.workos_deleted_at).toBeInstanceOf(Date);
  });

  test.each(['past_due', 'decommissioning', 'trial'] as const)(
    'revokes and reads, but does not change, in the posture that %s leads to',
    async (status) => {
      const { acme, owner, key } = await organizationWithKey();
      const ended = new Date(service.clock().getTime() - 1_000);
      await service
        .db('tenants')
        .where({ organization_id: acme.id })
        .update({ billing_status: status, trial_ends_at: status === 'trial' ? ended : null });
      expect(outcome(await patch(owner, key.id, { label: 'x' }))).toEqual([423, 'billing_inactive']);
      expect((await get(owner, key.id)).status).toBe(200);
      expect((await call(service, 'GET', '/v1/me/session', { token: key.value })).status).toBe(200);
      expect((await call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token: owner })).body).toEqual({
        status: 'revoked',
      });
    },
  );
});

describe('any method of /v1/api-keys/{id}', () => {
  test("returns the same 404 for another organization's key as for an unknown id", async () => {
    const { key } = await organizationWithKey({ label: 'theirs' });
    const mine = await service.organizations.add();
    const owner = await mine.session('owner');
    const answers = [
      await get(owner, key.id),
      await patch(owner, key.id, { label: 'stolen' }),
      await call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token: owner }),
    ];
    const never = await get(owner, 'api_key_never_made');
    for (const { status, body } of answers) {
      expect(status).toBe(404);
      expect({ ...body.error, request_id: '' }).toEqual({ ...never.body.error, request_id: '' });
    }
    const row = await service.db('api_keys').where({ workos_id: key.id }).first('label', 'status');
    expect(row).toEqual({ label: 'theirs', status: 'active' });
  });
});
