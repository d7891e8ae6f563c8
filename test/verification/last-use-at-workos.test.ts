import { expect, test } from 'vitest';
import { call, createKey } from '../support/api.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';
import { workosRequests } from '../support/workos-keys.ts';

const service = await startService({ LATCHKEY_WORKOS_LAST_USE_PER_MINUTE: '60' });

test('refreshes the last use at WorkOS once an hour, by every kind of verification', async () => {
  const acme = await service.organizations.add();
  const token = await acme.session();
  const uses = [
    (key: string) => call(service, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body: { key } }),
    (key: string) => call(service, 'GET', '/v1/auth/forward', { headers: { 'x-api-key': key } }),
    (key: string) => call(service, 'GET', '/v1/organization', { token: key }),
  ];
  for (const use of uses) {
    const { value } = await createKey(service, token);
    const before = workosRequests(service, 'POST', '/api_keys/validations');
    await use(value);
    await use(value);
    await expect.poll(() => workosRequests(service, 'POST', '/api_keys/validations')).toBe(before + 1);
  }
});
