import { expect } from 'vitest';
import { call, outcome } from '../../support/api.ts';
import { SERVICE_TOKEN } from '../../support/service.ts';
import type { Behaviour } from '../system.ts';
import { CREATE, bearer } from './start.ts';
import type { World } from './start.ts';

export const TROUBLE: Behaviour<World>[] = [
  {
    section: 'Troubleshooting: unauthorized',
    page: '401 for an invalid key',
    latchkey: '401 `credential_invalid`. A value without the form of a key costs no look-up.',
    async check({ company, api }) {
      const { value } = await (await company()).key(CREATE);
      const mistyped = `${value.slice(0, 20)}${value[20] === 'x' ? 'y' : 'x'}${value.slice(21)}`;
      for (const presented of [mistyped, `mxs_eval_${'a'.repeat(32)}`, 'mxs_eval_'])
        expect(outcome(await api.send('POST', '/evals', bearer({ value: presented })))).toEqual([
          401,
          'credential_invalid',
        ]);
    },
  },
  {
    section: 'Troubleshooting: unauthorized',
    page: '401 for an expired key',
    latchkey: '401 with its own code, `credential_expired`.',
    async check({ company, api, passDays }) {
      const key = await (await company()).key({ ...CREATE, expires_in: '1d' });
      expect((await api.send('POST', '/evals', bearer(key))).status).toBe(200);
      passDays(1.01);
      expect(outcome(await api.send('POST', '/evals', bearer(key)))).toEqual([401, 'credential_expired']);
    },
  },
  {
    section: 'Troubleshooting: unauthorized',
    page: '401 for a revoked key',
    latchkey: '401 `credential_invalid`.',
    async check({ company, api }) {
      const acme = await company();
      const key = await acme.key(CREATE);
      await acme.ask('DELETE', `/v1/api-keys/${key.id}`);
      expect(outcome(await api.send('POST', '/evals', bearer(key)))).toEqual([401, 'credential_invalid']);
    },
  },
  {
    section: 'Troubleshooting: unauthorized',
    page: '401 for a key without the scope',
    latchkey: 'A valid key without the scope gets 403 `permission_denied`, never 401.',
    standing: 'own',
    async check({ company, api }) {
      const key = await (await company()).key({ scopes: ['eval:read'] });
      expect((await api.send('POST', '/evals', bearer(key))).status).toBe(403);
    },
  },
  {
    section: 'Troubleshooting: access denied',
    page: '403 for a key without the scope; another key is needed',
    latchkey: '403 `permission_denied` with `details.required_scopes`. A key never gains scopes.',
    async check({ company, api }) {
      const acme = await company();
      const key = await acme.key({ scopes: ['eval:read'] });
      const refused = await api.send('DELETE', '/evals', bearer(key));
      expect(outcome(refused)).toEqual([403, 'permission_denied']);
      expect(refused.body.error.details).toEqual({ required_scopes: ['eval:manage'] });
      const widened = await acme.ask('PATCH', `/v1/api-keys/${key.id}`, { scopes: ['eval:manage'] });
      expect(outcome(widened)).toEqual([400, 'validation_error']);
      const another = await acme.key({ scopes: ['eval:manage'] });
      expect((await api.send('DELETE', '/evals', bearer(another))).status).toBe(200);
    },
  },
  {
    section: 'Troubleshooting: key not working',
    page: 'a new key works everywhere after some seconds',
    latchkey: 'It works on every replica at once.',
    async check({ company, api, replica }) {
      const acme = await company();
      for (let i = 0; i < 5; i++) {
        const key = await acme.key(CREATE, i % 2 === 0 ? 'owner' : 'operator');
        const body = { key: key.value, ...CREATE };
        const elsewhere = await call(replica, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body });
        expect(elsewhere.body).toMatchObject({ code: 'valid' });
        expect((await api.send('POST', '/evals', bearer(key))).status).toBe(200);
      }
    },
  },
  {
    section: 'Troubleshooting: key not working',
    page: 'the whole key has to be copied, without a space',
    latchkey: 'A part of a key, or a key with a space inside, is 401 `credential_invalid`.',
    async check({ company, api }) {
      const { value } = await (await company()).key(CREATE);
      for (const presented of [value.slice(0, -1), value.slice(1), `${value.slice(0, 9)} ${value.slice(9)}`])
        expect(outcome(await api.send('POST', '/evals', bearer({ value: presented })))).toEqual([
          401,
          'credential_invalid',
        ]);
    },
  },
  {
    section: 'Troubleshooting: key not working',
    page: 'the header needs the form of a bearer token',
    latchkey: 'A key in `Authorization` without `Bearer`, or with another word, is 401 `credential_invalid`.',
    async check({ company, api }) {
      const { value } = await (await company()).key(CREATE);
      for (const authorization of [value, `Basic ${value}`, `Token ${value}`])
        expect(outcome(await api.send('POST', '/evals', { authorization }))).toEqual([401, 'credential_invalid']);
    },
  },
];
