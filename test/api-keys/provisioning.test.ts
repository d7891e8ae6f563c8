import { afterEach, describe, expect, test } from 'vitest';
import type { FaultInput } from '../../src/emulator/faults/faults.ts';
import { call, createKey, outcome, requestKey } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { keysAtWorkos, workosRequests } from '../support/workos-keys.ts';

const TIMEOUT_MS = 1_000;
const service = await startService({ WORKOS_TIMEOUT_MS: String(TIMEOUT_MS) });

const MAX_HOLD_OFF_MS = 60_000;

afterEach(() => {
  service.workos.faults.clear();
  service.clock.advance(MAX_HOLD_OFF_MS);
});

type Place = { method?: string; path?: string };
const CREATE: Place = { method: 'POST', path: '/organizations/:id/api_keys' };
const DELETE: Place = { method: 'DELETE', path: '/api_keys/:id' };
const fail = (place: Place, fault: FaultInput) => service.workos.faults.add({ ...fault, ...place });

const statusesOf = async (organizationId: string): Promise<string[]> =>
  service.db('api_keys').where({ organization_id: organizationId }).orderBy('created_at').pluck('status');
const usageOf = async (token: string) =>
  (await call(service, 'GET', '/v1/organization', { token })).body['usage'] as { api_keys: number };

describe('POST /v1/api-keys', () => {
  test.each([
    [400, { code: 'bad_request', message: 'No.' }, { status: 400, code: 'bad_request', message: 'No.' }],
    [401, { message: 'Unauthorized' }, { status: 401, message: 'Unauthorized' }],
    [
      403,
      { error: 'forbidden', error_description: 'Not you.' },
      { status: 403, code: 'forbidden', message: 'Not you.' },
    ],
    [404, { message: 'Organization not found.' }, { status: 404, message: 'Organization not found.' }],
    [409, {}, { status: 409 }],
    [
      422,
      { message: 'Validation failed', errors: [{ field: 'permissions', code: 'invalid', message: 'not allowed' }] },
      { status: 422, message: 'Validation failed', errors: ['permissions: invalid: not allowed'] },
    ],
  ])('returns 502 with the answer of WorkOS for its %i, and fails the row', async (status, body, said) => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    fail(CREATE, { kind: 'status', status, body });
    const answer = await requestKey(service, owner);
    expect(outcome(answer)).toEqual([502, 'workos_rejected']);
    expect(answer.body.error.details).toEqual({ workos: { ...said, request_id: expect.any(String) } });
    expect(await statusesOf(acme.id)).toEqual(['failed']);
    expect(await usageOf(owner)).toMatchObject({ api_keys: 0 });
  });

  test('returns 502 for an organization that WorkOS does not know, and leaves nothing', async () => {
    const acme = await service.organizations.add();
    const gone = `${acme.id}gone`;
    await service.db('tenants').insert({
      organization_id: gone,
      billing_status: 'active',
      created_at: service.clock(),
      updated_at: service.clock(),
    });
    const answer = await requestKey(service, await acme.session('owner', { org_id: gone }));
    expect(outcome(answer)).toEqual([502, 'workos_rejected']);
    expect(answer.body.error.details).toMatchObject({
      workos: { status: 404, message: expect.stringContaining(gone) },
    });
    expect(await statusesOf(gone)).toEqual(['failed']);
  });

  test('bounds the answer of WorkOS and removes keys from it', async () => {
    const acme = await service.organizations.add();
    const message = `sk_live_abcdefghijklmnop is taken ${'x'.repeat(5_000)}`;
    fail(CREATE, { kind: 'status', status: 422, body: { message, errors: Array.from({ length: 50 }, () => message) } });
    const { body } = await requestKey(service, await acme.session());
    const text = JSON.stringify(body);
    expect(text).not.toContain('abcdefghijklmnop');
    expect(text).toContain('sk_… is taken');
    expect(text.length).toBeLessThan(5_000);
  });

  test('returns 503 with Retry-After for a 429 of WorkOS, and fails the row', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    fail(CREATE, { kind: 'status', status: 429, headers: { 'retry-after': '17' } });
    const answer = await requestKey(service, owner);
    expect(outcome(answer)).toEqual([503, 'workos_unavailable']);
    expect(answer.headers.get('retry-after')).toBe('17');
    expect(answer.body.error.details).toEqual({ retry_after: 17 });
    expect(await statusesOf(acme.id)).toEqual(['failed']);
    expect(await usageOf(owner)).toMatchObject({ api_keys: 0 });
  });

  test.each([
    ['0', '1'],
    ['86400', '60'],
    ['soon', '10'],
  ])('turns a Retry-After of %s from WorkOS into %s', async (said, passedOn) => {
    const acme = await service.organizations.add();
    fail(CREATE, { kind: 'status', status: 429, headers: { 'retry-after': said } });
    expect((await requestKey(service, await acme.session())).headers.get('retry-after')).toBe(passedOn);
  });

  test.each<[string, FaultInput, number]>([
    ['500', { kind: 'status', status: 500 }, 0],
    ['503', { kind: 'status', status: 503 }, 0],
    ['504', { kind: 'status', status: 504 }, 0],
    ['408', { kind: 'status', status: 408 }, 0],
    ["a proxy's page", { kind: 'html' }, 0],
    ['no answer in time', { kind: 'hang' }, 0],
    ['a reset before the work', { kind: 'reset_before' }, 0],
    ['a reset after the work', { kind: 'reset_after' }, 1],
    ['an answer lost after the work', { kind: 'lost_answer' }, 1],
    ['an answer cut off', { kind: 'malformed_json' }, 1],
    ['an empty answer', { kind: 'empty_body' }, 1],
    ['a success that is no key', { kind: 'status', status: 201, body: { id: 'api_key_x' } }, 0],
  ])(
    'returns 503 for %s after one call, and leaves the row to the settler within the quota',
    async (_what, fault, madeThere) => {
      const acme = await service.organizations.add();
      const owner = await acme.session();
      fail(CREATE, fault);
      const answer = await requestKey(service, owner);
      expect(outcome(answer)).toEqual([503, 'workos_unavailable']);
      expect(answer.headers.get('retry-after')).toBe('5');
      expect(answer.body.error.details).toEqual({ retry_after: 5 });
      expect(workosRequests(service, 'POST', `/organizations/${acme.id}/api_keys`)).toBe(1);
      expect(await statusesOf(acme.id)).toEqual(['provisioning']);
      expect(await usageOf(owner)).toMatchObject({ api_keys: 1 });
      const there = await keysAtWorkos(service, acme.id);
      expect(there).toHaveLength(madeThere);
      const row = await service.db('api_keys').where({ organization_id: acme.id }).first();
      expect(row).toMatchObject({ workos_id: null, prefix: null, secret_hash: null });
      for (const { name } of there) expect(name).toContain(`[lk:${row.id}:`);
    },
  );

  test('answers at the deadline when WorkOS is slow', async () => {
    const acme = await service.organizations.add();
    fail(CREATE, { kind: 'hang' });
    const started = performance.now();
    await requestKey(service, await acme.session());
    const elapsed = performance.now() - started;
    expect(elapsed).toBeGreaterThan(TIMEOUT_MS - 50);
    expect(elapsed).toBeLessThan(TIMEOUT_MS + 5_000);
  });

  test('holds no transaction while WorkOS is slow: other keys are read and created', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    fail(CREATE, { kind: 'latency', ms: TIMEOUT_MS - 150 });
    const slow = requestKey(service, owner, { label: 'slow' });
    await expect.poll(() => workosRequests(service, 'POST', `/organizations/${acme.id}/api_keys`)).toBe(1);
    const fast = await requestKey(service, owner, { label: 'fast' });
    expect(outcome(fast)).toEqual([201, undefined]);
    expect(outcome(await slow)).toEqual([201, undefined]);
    const labels = await service
      .db('api_keys')
      .where({ organization_id: acme.id })
      .orderBy('updated_at')
      .pluck('label');
    expect(labels).toEqual(['fast', 'slow']);
  });
});

describe('DELETE /v1/api-keys/{id}', () => {
  test.each<[string, FaultInput]>([
    ['503', { kind: 'status', status: 503 }],
    ['401', { kind: 'status', status: 401 }],
    ['a hang', { kind: 'hang' }],
    ['a reset', { kind: 'reset_before' }],
  ])(
    'revokes here at once and leaves the deletion to the settler when WorkOS answers with %s',
    async (_what, fault) => {
      const acme = await service.organizations.add();
      const owner = await acme.session();
      const key = await createKey(service, owner);
      fail(DELETE, fault);
      const revoke = () => call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token: owner });
      expect((await revoke()).body).toEqual({ status: 'revoked' });
      expect((await call(service, 'GET', '/v1/me/session', { token: key.value })).status).toBe(401);
      const row = () => service.db('api_keys').where({ organization_id: acme.id }).first('status', 'workos_deleted_at');
      expect(await row()).toEqual({ status: 'revoked', workos_deleted_at: null });
      expect(await keysAtWorkos(service, acme.id)).toHaveLength(1);
      expect((await revoke()).body).toEqual({ status: 'revoked' });
      expect(await row()).toEqual({ status: 'revoked', workos_deleted_at: expect.any(Date) });
      expect(await keysAtWorkos(service, acme.id)).toEqual([]);
    },
  );
});
