import { describe, expect, test } from 'vitest';
import { call, createKey } from '../support/api.ts';
import { startService } from '../support/service.ts';

const service = await startService({ TRUST_PROXY: '1' });

test('takes the address from the nearest trusted proxy, and ignores what that proxy was sent', async () => {
  const acme = await service.organizations.add();
  const owner = await acme.session();
  const key = await createKey(service, owner);
  const headers = { 'x-forwarded-for': '198.51.100.1, 203.0.113.9' };
  await call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token: owner, headers });
  const { body } = await call(service, 'GET', '/v1/audit-events', { token: owner });
  expect(body.data.map(({ ip }) => ip)).toEqual(['203.0.113.9', '127.0.0.1']);
});

test('does not fail for an address that is none', async () => {
  const acme = await service.organizations.add();
  const owner = await acme.session();
  const headers = { 'x-forwarded-for': `${'x'.repeat(300)}\u00ff` };
  const body = { label: 'a', permission_set: 'read_only' };
  const answer = await call(service, 'POST', '/v1/api-keys', { token: owner, headers, body });
  expect(answer.status).toBe(201);
});

const addressOf = async (forwarded: string) => {
  const acme = await service.organizations.add();
  const headers = { 'x-forwarded-for': forwarded };
  return (await call(service, 'GET', '/v1/me/session', { token: await acme.session(), headers })).body['ip'];
};

describe('GET /v1/me/session', () => {
  test("shows the caller's address as the nearest trusted proxy saw it", async () => {
    expect(await addressOf('198.51.100.1, 2001:db8::9')).toBe('2001:db8::9');
    expect(await addressOf('::ffff:192.0.2.1')).toBe('192.0.2.1');
  });

  test('shows null for text that is no address', async () => {
    expect(await addressOf('unknown')).toBeNull();
  });
});
