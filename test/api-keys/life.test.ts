import { describe, expect, test } from 'vitest';
import { call, createKey } from '../support/api.ts';
import { startService } from '../support/service.ts';

const service = await startService();

describe('an API key', () => {
  test('is created, listed, used, revoked, and then refused', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session('owner');
    const key = await createKey(service, owner, { label: 'CI runner — staging', permission_set: 'full_access' });
    const { data } = (await call(service, 'GET', '/v1/api-keys', { token: owner })).body;
    expect(data).toHaveLength(1);
    expect((await call(service, 'GET', '/v1/me/session', { token: key.value })).status).toBe(200);
    expect((await call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token: owner })).body).toEqual({
      status: 'revoked',
    });
    expect((await call(service, 'GET', '/v1/me/session', { token: key.value })).status).toBe(401);
  });
});
