import { expect } from 'vitest';
import { outcome } from '../../support/api.ts';
import type { Behaviour } from '../system.ts';
import { PERMISSIONS } from './permissions.ts';
import type { World } from './start.ts';

const READ = { scopes: ['memory.read'] };

export const KEYS: Behaviour<World>[] = [
  {
    section: 'Authentication',
    page: 'every request authenticates with a key',
    latchkey:
      'Without a key 401 `credential_missing`. A session in place of a key is 401 `credential_invalid` by the middleware, and 403 `permission_denied` by forward authentication.',
    async check({ company, api, send }) {
      expect(outcome(await api.send('GET', '/memories'))).toEqual([401, 'credential_missing']);
      const session = await (await company()).session();
      const asPerson = await api.send('GET', '/memories', { authorization: `Bearer ${session}` });
      expect(outcome(asPerson)).toEqual([401, 'credential_invalid']);
      const byProxy = await send('GET', '/v1/auth/forward', { authorization: `Bearer ${session}` });
      expect(outcome(byProxy)).toEqual([403, 'permission_denied']);
    },
  },
  {
    section: 'Authentication',
    page: 'a key can be revoked',
    latchkey: 'After `DELETE /v1/api-keys/{id}` the next request with it is 401 `credential_invalid`.',
    async check({ company, api }) {
      const acme = await company();
      const key = await acme.key(READ);
      const headers = { 'x-api-key': key.value };
      expect((await api.send('GET', '/memories', headers)).status).toBe(200);
      expect((await acme.ask('DELETE', `/v1/api-keys/${key.id}`)).body).toEqual({ status: 'revoked' });
      expect(outcome(await api.send('GET', '/memories', headers))).toEqual([401, 'credential_invalid']);
    },
  },
  {
    section: 'Creating a key',
    page: 'a signed-in person creates a key in the settings',
    latchkey:
      'People and machines with `apikeys:write` send `POST /v1/api-keys`, with permissions that they hold themselves. A member or a key gets 403.',
    standing: 'console',
    async check({ company, send }) {
      const acme = await company();
      const body = { label: 'production agent', ...READ };
      expect(outcome(await acme.ask('POST', '/v1/api-keys', body, 'operator'))).toEqual([201, undefined]);
      expect(outcome(await acme.ask('POST', '/v1/api-keys', body, 'member'))).toEqual([403, 'permission_denied']);
      const { value } = await acme.key(READ);
      expect(outcome(await send('POST', '/v1/api-keys', { 'x-api-key': value }, body))).toEqual([
        403,
        'permission_denied',
      ]);
      expect(outcome(await send('POST', '/v1/api-keys', {}, body))).toEqual([401, 'credential_missing']);
    },
  },
  {
    section: 'Creating a key',
    page: 'a key has a name with its purpose',
    latchkey: '`label`, 1 to 100 characters; it can be changed and searched for.',
    standing: 'console',
    async check({ company }) {
      const acme = await company();
      const key = await acme.key({ label: 'CRM', ...READ });
      expect(outcome(await acme.ask('POST', '/v1/api-keys', { label: '', ...READ }))).toEqual([
        400,
        'validation_error',
      ]);
      await acme.ask('PATCH', `/v1/api-keys/${key.id}`, { label: 'CRM in Zürich' });
      expect((await acme.ask('GET', '/v1/api-keys?q=z%C3%BCrich')).body.data).toMatchObject([{ id: key.id }]);
    },
  },
  {
    section: 'Creating a key',
    page: 'only the needed permissions are chosen',
    latchkey: '`scopes` has at least one of the 14, each once. No wildcard stands for all of them.',
    standing: 'console',
    async check({ company }) {
      const acme = await company();
      const all = PERMISSIONS.map(({ scope }) => scope);
      for (const scopes of [[], ['memory.*'], ['*'], ['memory.paint'], [...all, 'memory.read']])
        expect(outcome(await acme.ask('POST', '/v1/api-keys', { label: 'x', scopes }))).toEqual([
          400,
          'validation_error',
        ]);
      expect(await acme.key({ scopes: ['memory.read', 'export.write'] })).toMatchObject({
        scopes: expect.toSatisfy((made: string[]) => made.toSorted().join() === 'export.write,memory.read'),
      });
      expect((await acme.key({ scopes: all }))['scopes']).toHaveLength(14);
    },
  },
  {
    section: 'Creating a key',
    page: 'the key is shown only once, at its creation',
    latchkey: '`value` is in the answer to the creation, and in no other answer, log line or row.',
    standing: 'console',
    async check({ company, service }) {
      const acme = await company();
      const key = await acme.key(READ);
      for (const path of [`/v1/api-keys/${key.id}`, '/v1/api-keys', '/v1/audit-events'])
        expect(JSON.stringify((await acme.ask('GET', path)).body)).not.toContain(key.value);
      expect(service.logs.join('\n')).not.toContain(key.value);
      const rows = await service.db('api_keys').where({ organization_id: acme.id });
      expect(JSON.stringify(rows)).not.toContain(key.value);
    },
  },
  {
    section: 'Creating a key',
    page: 'a production key begins with msk_live_',
    latchkey: '`environment` is `live` by default.',
    async check({ company, verify }) {
      const key = await (await company()).key(READ);
      expect(key).toMatchObject({ value: expect.stringMatching(/^msk_live_[0-9A-Za-z_]{30,}$/), environment: 'live' });
      expect(key.prefix).toMatch(/^msk_live_/);
      expect(await verify(key.value)).toMatchObject({ code: 'valid', environment: 'live' });
    },
  },
  {
    section: 'Creating a key',
    page: 'a test key begins with msk_test_',
    latchkey:
      '`environment: "test"` creates a key of another WorkOS environment. It is valid where `test` or `any` is expected, is `environment_mismatch` elsewhere, and opens nothing at Latchkey itself.',
    async check({ company, verify, test, api, send }) {
      const acme = await company();
      const [key, live] = [await acme.key({ ...READ, environment: 'test' }), await acme.key(READ)];
      expect(key).toMatchObject({ value: expect.stringMatching(/^msk_test_[0-9A-Za-z_]{30,}$/), environment: 'test' });
      expect(await verify(key.value)).toMatchObject({ valid: false, code: 'environment_mismatch' });
      expect(await verify(key.value, { environment: 'live' })).toMatchObject({ code: 'environment_mismatch' });
      expect(await verify(key.value, { environment: 'test' })).toMatchObject({
        code: 'valid',
        environment: 'test',
        organization_id: acme.id,
      });
      const headers = { 'x-api-key': key.value };
      expect((await api.send('GET', '/memories', headers)).status).toBe(403);
      expect(outcome(await send('GET', '/v1/auth/forward', headers))).toEqual([403, 'permission_denied']);
      const asked = await send('GET', '/v1/auth/forward?environment=test', headers);
      expect([asked.status, asked.headers.get('x-latchkey-environment')]).toEqual([200, 'test']);
      expect(outcome(await send('GET', '/v1/organization', headers))).toEqual([403, 'permission_denied']);
      expect(await verify(live.value, { environment: 'test' })).toMatchObject({ code: 'environment_mismatch' });
      expect((await acme.ask('GET', '/v1/api-keys?environment=test')).body.data).toMatchObject([{ id: key.id }]);
      expect(test.requests().some(({ path }) => /api_keys/.test(path))).toBe(true);
    },
  },
];
