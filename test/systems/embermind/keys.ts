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
    latchkey:
      "The account managers' tool sends `POST /v1/organizations/{id}/api-keys` with a service token for staff, or the product's own path and names for it. The company's audit log names the manager.",
    async check({ company, manage, verify }) {
      const acme = await company();
      const { status, body } = await manage('POST', `/api/v1/client/companies/${acme.id}/api-keys`, {
        apiKeyTitle: 'root',
      });
      expect([status, body]).toEqual([
        201,
        { apiKeyId: expect.any(String), apiKeyTitle: 'root', apiKeyValue: expect.stringMatching(/^sk_/) },
      ]);
      expect(await verify(String(body['apiKeyValue']))).toMatchObject({ code: 'valid', organization_id: acme.id });
      const [created] = (await acme.ask('GET', '/v1/audit-events?action=api_key.created')).body.data;
      expect(created).toMatchObject({
        actor: { kind: 'staff', id: 'account-managers' },
        target: { id: body['apiKeyId'] },
        details: { staff_id: 'anna' },
      });
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
    standing: 'own',
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
    latchkey:
      'The account manager creates the new key, and revokes the old one with `DELETE /v1/organizations/{id}/api-keys/{key_id}` once the company uses the new one. Its owners and operators may also rotate keys themselves.',
    async check({ company, manage, verify }) {
      const acme = await company();
      const path = `/v1/organizations/${acme.id}/api-keys`;
      const issue = async () => (await manage('POST', path, { label: 'root', ...ROOT })).body;
      const [old, fresh] = [await issue(), await issue()];
      for (const { value } of [old, fresh]) expect(await verify(String(value))).toMatchObject({ valid: true });
      expect(outcome(await manage('DELETE', `${path}/${String(old['id'])}`))).toEqual([200, undefined]);
      expect(await verify(String(old['value']))).toMatchObject({ valid: false });
      expect(await verify(String(fresh['value']))).toMatchObject({ valid: true });
      const own = await acme.ask('POST', `/v1/api-keys/${String(fresh['id'])}/rotate`, {}, 'operator');
      expect(outcome(own)).toEqual([201, undefined]);
    },
  },
  {
    section: 'Best practices',
    page: 'the use of keys can be watched',
    latchkey:
      '`GET /v1/organization/usage` has counts by outcome and the busiest keys; `GET /v1/api-keys/{id}/usage` has those of one key.',
    standing: 'console',
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
