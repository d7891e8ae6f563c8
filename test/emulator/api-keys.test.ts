import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Emulator } from '../../src/emulator/emulator.ts';
import { call, createKey, sdk, startDemo, steppedClock, validate } from './harness.ts';

const { clock, forward } = steppedClock();
const inOneHour = (): string => new Date(clock().getTime() + 3_600_000).toISOString();
let emulator: Emulator;

beforeAll(async () => {
  emulator = await startDemo({ clock });
});
afterAll(() => emulator.close());

const expire = (id: string, body?: object) => call(emulator, 'POST', `/api_keys/${id}/expire`, body ? { body } : {});

describe('creating an organization key', () => {
  it('returns the value once only', async () => {
    const key = await createKey(emulator, { permissions: ['workspace:read'] });
    expect(key.value).toMatch(/^sk_[A-Za-z0-9]{40,}$/);
    expect(key.obfuscated_value).toBe(`sk_...${key.value.slice(-4)}`);
    expect(key).toMatchObject({
      owner: { type: 'organization', id: 'org_acme' },
      permissions: ['workspace:read'],
      expires_at: null,
      last_used_at: null,
    });
    const { body } = await call(emulator, 'GET', '/organizations/org_acme/api_keys');
    expect(body.data[0].id).toBe(key.id);
    expect(body.data[0]).not.toHaveProperty('value');
  });

  it('stores the requested expiry', async () => {
    const expiresAt = inOneHour();
    expect(await createKey(emulator, { expires_at: expiresAt })).toMatchObject({ expires_at: expiresAt });
  });

  it('rejects a past expiry with 422', async () => {
    const answer = await call(emulator, 'POST', '/organizations/org_acme/api_keys', {
      body: { name: 'x', expires_at: '2020-01-01T00:00:00Z' },
    });
    expect(answer.status).toBe(422);
    expect(answer.body.errors[0].field).toBe('expires_at');
  });

  it('rejects a permission that is not allowed with 422 and names it', async () => {
    const answer = await call(emulator, 'POST', '/organizations/org_acme/api_keys', {
      body: { name: 'x', permissions: ['workspace:read', 'members:write'] },
    });
    expect(answer.status).toBe(422);
    expect(answer.body.errors).toEqual([
      expect.objectContaining({ field: 'permissions', message: expect.stringContaining('members:write') }),
    ]);
  });

  it.each([
    {},
    { name: '' },
    { name: 7 },
    { name: 'x', permissions: 'workspace:read' },
    { name: 'x', expires_at: 'soon' },
    ['x'],
  ])('rejects the body %j with 422', async (body) => {
    const answer = await call(emulator, 'POST', '/organizations/org_acme/api_keys', { body });
    expect(answer.status).toBe(422);
  });

  it('returns 404 for an unknown organization', async () => {
    const answer = await call(emulator, 'POST', '/organizations/org_nowhere/api_keys', { body: { name: 'x' } });
    expect(answer).toMatchObject({ status: 404, body: { message: "Organization not found: 'org_nowhere'." } });
    expect(await call(emulator, 'GET', '/organizations/org_nowhere/api_keys')).toMatchObject({ status: 404 });
  });

  it('applies the allowed permissions of a later seed', async () => {
    emulator.seed({ apiKeyPermissions: { organization: ['memory.read'] } });
    expect(await createKey(emulator, { permissions: ['memory.read'] })).toMatchObject({ permissions: ['memory.read'] });
    expect(
      await call(emulator, 'POST', '/organizations/org_acme/api_keys', {
        body: { name: 'x', permissions: ['workspace:read'] },
      }),
    ).toMatchObject({ status: 422 });
    emulator.seed({ apiKeyPermissions: { organization: ['workspace:read'] } });
  });
});

describe('validating', () => {
  it('returns the key and updates last_used_at', async () => {
    const { id, value } = await createKey(emulator);
    forward(1_000);
    expect(await validate(emulator, value)).toMatchObject({ id, last_used_at: clock().toISOString() });
    const { body } = await call(emulator, 'GET', '/organizations/org_acme/api_keys?limit=1');
    expect(body.data[0]).toMatchObject({ id, last_used_at: clock().toISOString() });
  });

  it('returns null for an unknown, a deleted and an expired key alike', async () => {
    const deleted = await createKey(emulator);
    await call(emulator, 'DELETE', `/api_keys/${deleted.id}`);
    const expired = await createKey(emulator, { expires_at: inOneHour() });
    forward(3_600_000);
    for (const value of ['sk_nobody', '', deleted.value, expired.value])
      expect(await validate(emulator, value)).toBeNull();
  });

  it('does not accept the environment secret as a customer key', async () => {
    expect(await validate(emulator, emulator.apiKey)).toBeNull();
  });

  it('rejects a body without a value with 422', async () => {
    expect(await call(emulator, 'POST', '/api_keys/validations', { body: {} })).toMatchObject({ status: 422 });
  });

  it('validates anew under a repeated idempotency key', async () => {
    const { id, value } = await createKey(emulator);
    const ask = () =>
      call(emulator, 'POST', '/api_keys/validations', { body: { value }, headers: { 'idempotency-key': 'same' } });
    expect((await ask()).body.api_key).toMatchObject({ id });
    await call(emulator, 'DELETE', `/api_keys/${id}`);
    expect((await ask()).body.api_key).toBeNull();
  });
});

describe('expiring', () => {
  it.each([[undefined], [{}], [{ expires_at: '2020-01-01T00:00:00Z' }]])(
    'ends the key at once for the body %j',
    async (body) => {
      const { id, value } = await createKey(emulator);
      expect((await expire(id, body)).body.expires_at).toBe(clock().toISOString());
      expect(await validate(emulator, value)).toBeNull();
    },
  );

  it('sets and clears the expiry', async () => {
    const { id, value } = await createKey(emulator);
    expect((await expire(id, { expires_at: inOneHour() })).body.expires_at).toBe(inOneHour());
    expect((await expire(id, { expires_at: null })).body.expires_at).toBeNull();
    forward(7_200_000);
    expect(await validate(emulator, value)).toMatchObject({ id });
  });

  it('rejects a key that has expired with 409', async () => {
    const { id } = await createKey(emulator);
    await expire(id);
    expect(await expire(id, { expires_at: null })).toMatchObject({
      status: 409,
      body: { code: 'api_key_already_expired' },
    });
  });

  it('returns 404 for an unknown key and 422 for an invalid date', async () => {
    expect(await expire('api_key_x')).toMatchObject({
      status: 404,
      body: { message: "API Key not found: 'api_key_x'." },
    });
    const { id } = await createKey(emulator);
    expect(await expire(id, { expires_at: 'tomorrow' })).toMatchObject({ status: 422 });
  });
});

describe('deleting', () => {
  it('returns 204 once and 404 after that', async () => {
    const { id } = await createKey(emulator);
    expect(await call(emulator, 'DELETE', `/api_keys/${id}`)).toMatchObject({ status: 204, text: '' });
    expect(await call(emulator, 'DELETE', `/api_keys/${id}`)).toMatchObject({
      status: 404,
      body: { message: `API Key not found: '${id}'.` },
    });
  });
});

describe('the official SDK', () => {
  it('creates, lists, validates and deletes a key', async () => {
    const { apiKeys } = sdk(emulator);
    const created = await apiKeys.createOrganizationApiKey({
      organizationId: 'org_globex',
      name: 'By the SDK',
      permissions: ['workspace:read'],
    });
    const listed = await apiKeys.listOrganizationApiKeys({ organizationId: 'org_globex' });
    expect(listed.data.map(({ id }) => id)).toEqual([created.id]);
    const { apiKey } = await apiKeys.createValidation({ value: created.value });
    expect(apiKey).toMatchObject({ id: created.id, permissions: ['workspace:read'] });
    await apiKeys.deleteApiKey(created.id);
    expect(await apiKeys.createValidation({ value: created.value })).toEqual({ apiKey: null });
  });

  it('raises its own exceptions for 401, 404 and 422', async () => {
    const stranger = sdk(emulator, { apiKey: 'sk_wrong' }).apiKeys;
    await expect(stranger.createValidation({ value: 'x' })).rejects.toMatchObject({
      name: 'UnauthorizedException',
      status: 401,
    });
    const { apiKeys } = sdk(emulator);
    await expect(apiKeys.deleteApiKey('api_key_x')).rejects.toMatchObject({ name: 'NotFoundException', status: 404 });
    const disallowed = apiKeys.createOrganizationApiKey({
      organizationId: 'org_acme',
      name: 'x',
      permissions: ['billing:write'],
    });
    await expect(disallowed).rejects.toMatchObject({ name: 'UnprocessableEntityException', status: 422 });
  });
});
