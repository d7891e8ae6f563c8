import { expect } from 'vitest';
import { call, outcome } from '../../support/api.ts';
import { SERVICE_TOKEN } from '../../support/service.ts';
import type { Behaviour } from '../system.ts';
import { CREATE, bearer } from './start.ts';
import type { World } from './start.ts';

const DAY_MS = 24 * 60 * 60 * 1_000;

export const USE: Behaviour<World>[] = [
  {
    section: 'Using a key',
    page: 'the key is sent as a bearer token',
    latchkey: 'In `Authorization: Bearer`, or in `x-api-key`.',
    async check({ company, api }) {
      const key = await (await company()).key(CREATE);
      expect((await api.send('POST', '/evals', bearer(key))).status).toBe(200);
      expect((await api.send('POST', '/evals', { 'x-api-key': key.value })).status).toBe(200);
    },
  },
  {
    section: 'Using a key',
    page: 'a program creates an evaluation and asks for its progress',
    latchkey: "The verdict gives the product's API the key's owner and scopes.",
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
    page: 'development and production have different keys',
    latchkey: 'Revoking one key leaves the other.',
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
    latchkey:
      'The owner sends `POST /v1/api-keys/{id}/rotate`: the new key has the same scopes, owner and lifetime, counted from now; the old one has a grace period.',
    async check({ company, verify, service }) {
      const acme = await company();
      const old = await acme.key({ scopes: ['eval:manage'] });
      service.clock.advance(60 * DAY_MS);
      const { status, body } = await acme.ask('POST', `/v1/api-keys/${old.id}/rotate`, { grace_seconds: 30 });
      const owner = { type: 'user', id: acme.userId('owner') };
      expect([status, body]).toMatchObject([201, { scopes: ['eval:manage'], owner, rotated_from: old.id }]);
      const lifetimeMs = Date.parse(String(body['expires_at'])) - service.clock().getTime();
      expect(Math.round(lifetimeMs / DAY_MS)).toBe(90);
      expect(await verify(old.value)).toMatchObject({ code: 'valid' });
      service.clock.advance(31_000);
      expect(await verify(old.value)).toMatchObject({ code: 'expired' });
      expect(await verify(String(body['value']))).toMatchObject({ code: 'valid' });
    },
  },
  {
    section: 'Best practices',
    page: 'a leaked key is revoked at once',
    latchkey: 'Every replica refuses it from the answer of `DELETE` on.',
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
      'People with `apikeys:read:own` and `apikeys:write:own` get 404 `api_key_not_found` for the keys of others. Administrators see them and may revoke them.',
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
