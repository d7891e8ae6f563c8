import { describe, expect, test } from 'vitest';
import { call, createKey, outcome } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { keysAtWorkos } from '../support/workos-keys.ts';

const service = await startService();

const inMilliseconds = (milliseconds: number) => new Date(service.clock().getTime() + milliseconds).toISOString();

describe('POST /v1/api-keys with expires_at', () => {
  test('sends the expiry to WorkOS', async () => {
    const acme = await service.organizations.add();
    const expiresAt = inMilliseconds(3_600_000);
    await createKey(service, await acme.session(), { expires_at: expiresAt });
    const [there] = await keysAtWorkos(service, acme.id);
    expect(there?.expires_at).toBe(expiresAt);
  });

  test('sends WorkOS no expiry when the request names none', async () => {
    const acme = await service.organizations.add();
    await createKey(service, await acme.session(), { expires_at: null });
    const [there] = await keysAtWorkos(service, acme.id);
    expect(there?.expires_at).toBeNull();
  });

  test('returns an expiry with an offset in UTC', async () => {
    const acme = await service.organizations.add();
    const body = { label: 'a', permission_set: 'read_only', expires_at: '2999-01-01T01:00:00+01:00' };
    const answer = await call(service, 'POST', '/v1/api-keys', { token: await acme.session(), body });
    expect(answer.body['expires_at']).toBe('2999-01-01T00:00:00.000Z');
  });

  test('accepts an expiry at the last moment of year 9999', async () => {
    const acme = await service.organizations.add();
    const body = { label: 'a', permission_set: 'read_only', expires_at: '9999-12-31T23:59:59.999Z' };
    const answer = await call(service, 'POST', '/v1/api-keys', { token: await acme.session(), body });
    expect(outcome(answer)).toEqual([201, undefined]);
    expect(answer.body['expires_at']).toBe('9999-12-31T23:59:59.999Z');
  });
});

describe('a key past its expiry', () => {
  test('verifies a key until its expiry and refuses it at that instant', async () => {
    const acme = await service.organizations.add();
    const key = await createKey(service, await acme.session(), { expires_at: inMilliseconds(60_000) });
    const use = () => call(service, 'GET', '/v1/me/session', { token: key.value });
    service.clock.advance(50_000);
    expect(outcome(await use())).toEqual([200, undefined]);
    service.clock.advance(10_000);
    expect(outcome(await use())).toEqual([401, 'credential_expired']);
  });

  test('shows an expired key as expired, and as revoked once it is revoked', async () => {
    const acme = await service.organizations.add();
    const key = await createKey(service, await acme.session(), { expires_at: inMilliseconds(60_000) });
    service.clock.advance(60_000);
    const owner = await acme.session();
    const path = `/v1/api-keys/${key.id}`;
    expect((await call(service, 'GET', path, { token: owner })).body['status']).toBe('expired');
    expect((await call(service, 'DELETE', path, { token: owner })).body).toEqual({ status: 'revoked' });
    expect((await call(service, 'GET', path, { token: owner })).body['status']).toBe('revoked');
    expect(outcome(await call(service, 'GET', '/v1/me/session', { token: key.value }))).toEqual([
      401,
      'credential_invalid',
    ]);
  });
});
