import { describe, expect, test } from 'vitest';
import { call, createKey } from '../support/api.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';
import { takeWorkosDown } from '../support/workos-faults.ts';

describe('POST /v1/api-keys/verify and GET /v1/auth/forward', () => {
  test('verifies every key of the mirror without WorkOS while it is down', async () => {
    const service = await startService({ LATCHKEY_CACHE_MAX_KEYS: '5' });
    const acme = await service.organizations.add({ status: 'active', plan: 'scale' });
    const token = await acme.session();
    const keys: string[] = [];
    for (let i = 0; i < 20; i++) keys.push((await createKey(service, token)).value);
    takeWorkosDown(service);
    const before = service.workos.requests().length;
    const answers: unknown[] = [];
    for (let round = 0; round < 2; round++) {
      const body = { keys: keys.map((key) => ({ key })) };
      const batch = await call(service, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body });
      answers.push(...batch.body.data.map(({ code }) => code));
      for (const key of keys) {
        const forwarded = await call(service, 'GET', '/v1/auth/forward', { headers: { 'x-api-key': key } });
        answers.push(forwarded.status);
      }
    }
    expect(answers.filter((answer) => answer !== 'valid' && answer !== 200)).toEqual([]);
    expect(answers).toHaveLength(80);
    expect(service.workos.requests()).toHaveLength(before);
  });
});
