import { expect } from 'vitest';
import { call, outcome } from '../../support/api.ts';
import { SERVICE_TOKEN } from '../../support/service.ts';
import type { Behaviour } from '../system.ts';
import { CREATE, bearer } from './start.ts';
import type { World } from './start.ts';

export const USE: Behaviour<World>[] = [
  {
    section: 'Using a key',
    page: 'the key is sent as a bearer token',
    latchkey: '`Authorization: Bearer`; `x-api-key` is as good.',
    async check({ company, api }) {
      const key = await (await company()).key(CREATE);
      expect((await api.send('POST', '/evals', bearer(key))).status).toBe(200);
      expect((await api.send('POST', '/evals', { 'x-api-key': key.value })).status).toBe(200);
    },
  },
  {
    section: 'Using a key',
    page: 'a program makes an evaluation and asks how it goes',
    latchkey: "The product's API is told whose key it is and what it may do.",
    async check({ company, api }) {
      const acme = await company();
      const key = await acme.key({ label: 'program', scopes: ['eval:create', 'eval:read'] });
      const [made, followed] = [
        await api.send('POST', '/evals', bearer(key)),
        await api.send('GET', '/evals', bearer(key)),
      ];
      for (const { status, body } of [made, followed])
        expect([status, body]).toMatchObject([200, { id: key.id, organizationId: acme.id, label: 'program' }]);
    },
  },
  {
    section: 'Best practices',
    page: 'there are different keys for developing and for production',
    latchkey: 'Each is a key of its own: revoking one leaves the other.',
    async check({ company, verify }) {
      const acme = await company();
      const [trial, real] = [await acme.key({ label: 'dev', ...CREATE }), await acme.key({ label: 'prod', ...CREATE })];
      await acme.ask('DELETE', `/v1/api-keys/${trial.id}`);
      expect(await verify(trial.value)).toMatchObject({ code: 'revoked' });
      expect(await verify(real.value)).toMatchObject({ code: 'valid' });
    },
  },
  {
    section: 'Best practices',
    page: 'keys are replaced every few weeks',
    latchkey: '`POST /v1/api-keys/{id}/rotate` by the owner: the same scopes and owner, and a grace for the old key.',
    async check({ company, verify, service }) {
      const acme = await company();
      const old = await acme.key({ scopes: ['eval:manage'] });
      const { status, body } = await acme.ask('POST', `/v1/api-keys/${old.id}/rotate`, { grace_seconds: 30 });
      const owner = { type: 'user', id: acme.userId('owner') };
      expect([status, body]).toMatchObject([201, { scopes: ['eval:manage'], owner, rotated_from: old.id }]);
      expect(await verify(old.value)).toMatchObject({ code: 'valid' });
      service.clock.advance(31_000);
      expect(await verify(old.value)).toMatchObject({ code: 'expired' });
      expect(await verify(String(body['value']))).toMatchObject({ code: 'valid' });
    },
  },
  {
    section: 'Best practices',
    page: 'a key that leaked is revoked at once',
    latchkey: 'From the answer of `DELETE` on it is refused, by every replica.',
    async check({ company, verify, replica }) {
      const acme = await company();
      const key = await acme.key(CREATE);
      const elsewhere = async () =>
        (await call(replica, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body: { key: key.value } })).body;
      expect(await elsewhere()).toMatchObject({ code: 'valid' });
      await acme.ask('DELETE', `/v1/api-keys/${key.id}`);
      expect(await verify(key.value)).toMatchObject({ code: 'revoked' });
      await expect.poll(async () => (await elsewhere())['code'], { interval: 1, timeout: 1_000 }).toBe('revoked');
    },
  },
  {
    section: 'Best practices',
    page: 'people do not share keys',
    latchkey:
      'Others with `apikeys:read:own` and `apikeys:write:own` do not see the key: 404 `api_key_not_found`. Administrators see it, and may revoke it.',
    async check({ company }) {
      const acme = await company();
      const key = await acme.key(CREATE, 'operator');
      const path = `/v1/api-keys/${key.id}`;
      for (const method of ['GET', 'DELETE'])
        expect(outcome(await acme.ask(method, path, undefined, 'member'))).toEqual([404, 'api_key_not_found']);
      expect((await acme.ask('GET', '/v1/api-keys', undefined, 'member')).body.data).toEqual([]);
      expect((await acme.ask('DELETE', path, undefined, 'owner')).body).toEqual({ status: 'revoked' });
    },
  },
];
