import { expect } from 'vitest';
import { outcome } from '../../support/api.ts';
import type { Behaviour } from '../system.ts';
import { PROFILE, ROOT, signedIn } from './start.ts';
import type { World } from './start.ts';

export const OVERVIEW: Behaviour<World>[] = [
  {
    section: 'Overview',
    page: 'servers come with a key, in x-api-key, and people with a token, in x-access-token',
    latchkey: 'Each is known in its header, and refused in the one of the other. Both may be a bearer token.',
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
    page: 'a key never ends by itself',
    latchkey: '`expires_at` is null, and ten years later it is good, unless somebody gave it an end.',
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
    page: 'the account manager gives out the key: an id, a title and the value',
    latchkey: '`id`, `label` and `value` of `POST /v1/api-keys`, for owners and operators.',
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
    page: 'the key goes with every request, in x-api-key',
    latchkey: 'By the middleware, by a proxy and on the routes of Latchkey itself.',
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
    page: 'the profile says who the caller is, and for which company',
    latchkey:
      '`GET /v1/me/session`: `user_id`, `organization_id`, and for people `email` and `role`. A key has a user that stands for all keys, and its own label.',
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
    page: 'keys are replaced now and then; the manager issues the new ones',
    latchkey: '`POST /v1/api-keys/{id}/rotate` by owners and operators, with a grace for the old key.',
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
    latchkey: '`GET /v1/organization/usage`: how often, with what outcome, and the busiest keys; the same of one key.',
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
