import { expect, test } from 'vitest';
import { call, createKey } from '../support/api.ts';
import { startService } from '../support/service.ts';

const service = await startService({ TRUST_PROXY: '1' });

test('the nearest trusted proxy says from where a request came, and what it was told itself counts for nothing', async () => {
  const acme = await service.organizations.add();
  const owner = await acme.session();
  const key = await createKey(service, owner);
  const headers = { 'x-forwarded-for': '198.51.100.1, 203.0.113.9' };
  await call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token: owner, headers });
  const { body } = await call(service, 'GET', '/v1/audit-events', { token: owner });
  expect(body.data.map(({ ip }) => ip)).toEqual(['203.0.113.9', '127.0.0.1']);
});

test('an address that is none does not end up as a failure of ours', async () => {
  const acme = await service.organizations.add();
  const owner = await acme.session();
  const headers = { 'x-forwarded-for': `${'x'.repeat(300)}\u00ff` };
  const body = { label: 'a', permission_set: 'read_only' };
  const answer = await call(service, 'POST', '/v1/api-keys', { token: owner, headers, body });
  expect(answer.status).toBe(201);
});
