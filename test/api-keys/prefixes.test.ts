import { afterEach, describe, expect, it } from 'vitest';
import { call, createKey, outcome } from '../support/api.ts';
import { PROFILE } from '../support/local-workos.ts';
import { startService } from '../support/service.ts';
import { keysAtWorkos } from '../support/workos-keys.ts';

const service = await startService();
afterEach(() => service.workos.behave({ profile: PROFILE }));

const me = async (token: string) => outcome(await call(service, 'GET', '/v1/me/session', { token }));

describe('POST /v1/api-keys with api_keys.prefixes', () => {
  it.each(['sk_', 'wos_api_key_'])('creates and accepts keys that begin with %s', async (prefix) => {
    service.workos.behave({ key_prefix: prefix });
    const acme = await service.organizations.add();
    const { value } = await createKey(service, await acme.session());
    expect(value.startsWith(prefix)).toBe(true);
    expect(await me(value)).toEqual([200, undefined]);
  });

  it('returns 502 for a key that would not be recognised, and deletes it at WorkOS', async () => {
    service.workos.behave({ key_prefix: 'wk_' });
    const acme = await service.organizations.add();
    const token = await acme.session();
    const body = { label: 'a key', permission_set: 'read_only' };
    const answer = await call(service, 'POST', '/v1/api-keys', { token, body });
    expect([outcome(answer), answer.body.error.details]).toEqual([
      [502, 'workos_rejected'],
      { workos: { code: 'unknown_key_form' } },
    ]);
    expect(await keysAtWorkos(service, acme.id)).toEqual([]);
    expect(await service.db('api_keys').where({ organization_id: acme.id, status: 'active' })).toEqual([]);
    expect(service.logs.some((line) => line.includes('would not be recognised') && line.includes('"wk_"'))).toBe(true);
  });
});
