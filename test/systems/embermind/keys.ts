import { expect } from 'vitest';
import { outcome } from '../../support/api.ts';
import type { Behaviour } from '../system.ts';
import { PROFILE, ROOT, signedIn } from './start.ts';
import type { World } from './start.ts';

export const OVERVIEW: Behaviour<World>[] = [
  {
    section: 'Overview',
    page: 'servers send a key in x-api-key, and people a token in x-access-token',
    latchkey: 'Each is accepted in its own header and refused in the other. Both may be a bearer token.',
    async check(world) {
      const { company, send } = world;
      const acme = await company();
      const { value } = await acme.key(ROOT);
      const { access_token: token } = await signedIn(world, acme);
      const kind = async (headers: Record<string, string>) => (await send('GET', PROFILE, headers)).body['kind'];
      expect(await kind({ 'x-api-key': value })).toBe('api_key');
      expect(await kind({ 'x-access-token': token })).toBe('user');
      expect(await kind({ authorization: `Bearer ${value}` })).toBe('api_key');
      expect(await kind({ authorization: `Bearer ${token}` })).toBe('user');
      for (const crossed of [{ 'x-api-key': token }, { 'x-access-token': value }])
        expect((await send('GET', PROFILE, crossed)).status).toBe(401);
    },
  },
];

export const KEYS: Behaviour<World>[] = [
  {
    section: 'API key',
    page: 'a key never expires by itself',
    latchkey: '`expires_at` is null unless it was set, and the key is valid ten years later.',
    async check({ company, verify, service }) {
      const key = await (await company()).key(ROOT);
      expect(key).toMatchObject({ expires_at: null, expires_in_days: null, status: 'active' });
      const before = service.clock().getTime();
      service.clock.advance(10 * 365 * 24 * 60 * 60 * 1_000);
      const verdict = await verify(key.value);
      service.clock.advance(before - service.clock().getTime());
      expect(verdict).toMatchObject({ valid: true, code: 'valid' });
    },
  },
  {
    section: 'API key',
    page: 'the account manager hands out the key: an id, a title and the value',
    latchkey: 'Owners and operators get `id`, `label` and `value` from `POST /v1/api-keys`.',
    own: true,
    async check({ company }) {
      const acme = await company();
      const key = await acme.key({ label: 'root', ...ROOT }, 'operator');
      expect(key).toMatchObject({ id: expect.any(String), label: 'root', value: expect.stringMatching(/^sk_/) });
      const asMember = await acme.ask('POST', '/v1/api-keys', { label: 'mine', ...ROOT }, 'member');
      expect(outcome(asMember)).toEqual([403, 'permission_denied']);
    },
  },
  {
    section: 'API key',
    page: 'every request has the key in x-api-key',
    latchkey: "The middleware, proxies and Latchkey's own routes read it there.",
    async check({ company, api, send }) {
      const { value } = await (await company()).key(ROOT);
      const headers = { 'content-type': 'application/json', 'x-api-key': value };
      expect((await api.send('GET', '/records', headers)).status).toBe(200);
      expect((await send('GET', '/v1/auth/forward?scope=records:write', headers)).status).toBe(200);
      expect((await send('GET', PROFILE, headers)).status).toBe(200);
    },
  },
  {
    section: 'API key',
    page: 'the profile shows the caller and their company',
    latchkey:
      '`GET /v1/me/session` has `user_id`, `organization_id`, and for people `email` and `role`. A key has the user id of all keys, and its own label.',
    own: true,
    async check(world) {
      const acme = await world.company();
      const { value, id } = await acme.key({ label: 'root', ...ROOT });
      const asKey = await world.send('GET', PROFILE, { 'x-api-key': value });
      expect(asKey.body).toMatchObject({ organization_id: acme.id, api_key_id: id, api_key_label: 'root' });
      const { access_token: token } = await signedIn(world, acme);
      const asPerson = await world.send('GET', PROFILE, { 'x-access-token': token });
      expect(asPerson.body).toMatchObject({
        organization_id: acme.id,
        user_id: acme.userId('owner'),
        email: acme.email('owner'),
        role: 'owner',
      });
    },
  },
];

export const PRACTICES: Behaviour<World>[] = [
  {
    section: 'Best practices',
    page: 'keys are replaced regularly; the manager issues the new ones',
    latchkey: 'Owners and operators send `POST /v1/api-keys/{id}/rotate`, with a grace period for the old key.',
    async check({ company, verify, service }) {
      const acme = await company();
      const old = await acme.key(ROOT);
      const path = `/v1/api-keys/${old.id}/rotate`;
      expect(outcome(await acme.ask('POST', path, {}, 'member'))).toEqual([403, 'permission_denied']);
      const { status, body } = await acme.ask('POST', path, { grace_seconds: 60 }, 'operator');
      expect([status, body]).toMatchObject([201, { permission_set: 'root', expires_at: null }]);
      expect(await verify(old.value)).toMatchObject({ valid: true });
      service.clock.advance(61_000);
      expect(await verify(old.value)).toMatchObject({ valid: false });
      expect(await verify(String(body['value']))).toMatchObject({ valid: true });
    },
  },
  {
    section: 'Best practices',
    page: 'the use of keys can be watched',
    latchkey:
      '`GET /v1/organization/usage` has counts by outcome and the busiest keys; `GET /v1/api-keys/{id}/usage` has those of one key.',
    async check({ company, verify, service }) {
      const acme = await company();
      const [busy, idle] = [await acme.key(ROOT), await acme.key(ROOT)];
      for (let i = 0; i < 3; i++) await verify(busy.value);
      await verify(idle.value, { scopes: ['members:write'] });
      await service.background.runOnce('flush_usage');
      const { body } = await acme.ask('GET', '/v1/organization/usage');
      expect(body).toMatchObject({ total: 4, codes: { valid: 3, insufficient_scope: 1 } });
      expect(body['keys']).toMatchObject([
        { id: busy.id, total: 3 },
        { id: idle.id, total: 1 },
      ]);
    },
  },
];
