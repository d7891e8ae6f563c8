import { expect, test } from 'vitest';
import { call, createKey, outcome } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { keysAtWorkos } from '../support/workos-keys.ts';

const service = await startService();

const inMilliseconds = (milliseconds: number) => new Date(service.clock().getTime() + milliseconds).toISOString();

test('passes the expiry on to WorkOS', async () => {
  const acme = await service.organizations.add();
  const expiresAt = inMilliseconds(3_600_000);
  await createKey(service, await acme.session(), { expires_at: expiresAt });
  const [there] = await keysAtWorkos(service, acme.id);
  expect(there?.expires_at).toBe(expiresAt);
});

test('asks WorkOS for no expiry when none is given', async () => {
  const acme = await service.organizations.add();
  await createKey(service, await acme.session(), { expires_at: null });
  const [there] = await keysAtWorkos(service, acme.id);
  expect(there?.expires_at).toBeNull();
});

test('answers an expiry given with an offset in UTC', async () => {
  const acme = await service.organizations.add();
  const body = { label: 'a', permission_set: 'read_only', expires_at: '2999-01-01T01:00:00+01:00' };
  const answer = await call(service, 'POST', '/v1/api-keys', { token: await acme.session(), body });
  expect(answer.body['expires_at']).toBe('2999-01-01T00:00:00.000Z');
});

test('takes an expiry at the last moment of year 9999', async () => {
  const acme = await service.organizations.add();
  const body = { label: 'a', permission_set: 'read_only', expires_at: '9999-12-31T23:59:59.999Z' };
  const answer = await call(service, 'POST', '/v1/api-keys', { token: await acme.session(), body });
  expect(outcome(answer)).toEqual([201, undefined]);
  expect(answer.body['expires_at']).toBe('9999-12-31T23:59:59.999Z');
});

test('a key works until its expiry and not at it', async () => {
  const acme = await service.organizations.add();
  const key = await createKey(service, await acme.session(), { expires_at: inMilliseconds(60_000) });
  const use = () => call(service, 'GET', '/v1/me/session', { token: key.value });
  service.clock.advance(50_000);
  expect(outcome(await use())).toEqual([200, undefined]);
  service.clock.advance(10_000);
  expect(outcome(await use())).toEqual([401, 'credential_expired']);
});

test('an expired key is shown as expired, can be revoked, and is revoked then', async () => {
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
