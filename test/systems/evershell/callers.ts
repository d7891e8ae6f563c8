import { expect } from 'vitest';
import { outcome } from '../../support/api.ts';
import { sealSession } from '../../support/sealed-session.ts';
import { keysAtWorkos } from '../../support/workos-keys.ts';
import type { Behaviour } from '../system.ts';
import { FULL, LOOK } from './start.ts';
import type { World } from './start.ts';

const NEVER = ['members:write', 'billing:write', 'apikeys:write'];

export const SCOPES: Behaviour<World>[] = [
  {
    section: 'Scopes',
    page: 'no key can hold a scope that manages people, money or keys',
    latchkey: 'No set has these scopes, and the catalogue marks them as not grantable to keys.',
    standing: 'elsewhere',
    async check({ company, verify }) {
      const acme = await company();
      const key = await acme.key(FULL);
      for (const scope of NEVER)
        expect(await verify(key.value, { scopes: [scope] })).toMatchObject({ code: 'insufficient_scope' });
      const { body } = await acme.ask('GET', '/v1/api-keys/permissions');
      const all = body.data.flatMap(({ permissions }) => permissions as { name: string; grantable: boolean }[]);
      expect(
        all
          .filter(({ grantable }) => !grantable)
          .map(({ name }) => name)
          .toSorted(),
      ).toEqual(NEVER.toSorted());
    },
  },
  {
    section: 'Scopes',
    page: 'scopes are resource:verb, with :own for what the caller created; keys have the form without :own',
    latchkey: 'The `:own` forms are in the catalogue and in no set, because a key owns nothing.',
    standing: 'elsewhere',
    async check({ company }) {
      const acme = await company();
      const { body } = await acme.ask('GET', '/v1/api-keys/permissions');
      const names = body.data.flatMap(({ permissions }) => (permissions as { name: string }[]).map(({ name }) => name));
      expect(names).toEqual(expect.arrayContaining(['workspace:write:own', 'tasks:write:own']));
      const sets = (await acme.ask('GET', '/v1/permission-sets')).body.data.flatMap(({ scopes }) => scopes as string[]);
      expect(sets.filter((scope) => scope.endsWith(':own'))).toEqual([]);
    },
  },
];

export const CALLERS: Behaviour<World>[] = [
  {
    section: 'Credentials',
    page: "a session, a key and the console's cookie are distinguished by their form",
    latchkey: '`eyJ…`, `sk_live_…` and the sealed `wos_session` are each accepted in their places.',
    standing: 'elsewhere',
    async check({ company, send }) {
      const acme = await company();
      const { value } = await acme.key(LOOK);
      const session = await acme.session();
      const kind = async (headers: Record<string, string>) =>
        (await send('GET', '/v1/me/session', headers)).body['kind'];
      expect(await kind({ authorization: `Bearer ${session}` })).toBe('user');
      expect(await kind({ 'x-access-token': session })).toBe('user');
      expect(await kind({ cookie: `wos_session=${await sealSession(session)}` })).toBe('user');
      expect(await kind({ authorization: `Bearer ${value}` })).toBe('api_key');
      expect(await kind({ 'x-api-key': value })).toBe('api_key');
    },
  },
  {
    section: 'Credentials',
    page: 'a key may be in the query string for event streams only, a session never',
    latchkey:
      '`?api_key=` is accepted where the request accepts `text/event-stream`. Elsewhere, and for a session, it is 401. No log line has it.',
    standing: 'elsewhere',
    async check({ company, send, service }) {
      const acme = await company();
      const { value } = await acme.key(LOOK);
      const session = await acme.session();
      const forward = async (key: string, accept: string) =>
        outcome(
          await send('GET', '/v1/auth/forward?scope=workspace:read', {
            accept,
            'x-forwarded-uri': `/workspaces/events?api_key=${key}`,
            'x-forwarded-method': 'GET',
          }),
        );
      expect(await forward(value, 'text/event-stream')).toEqual([200, undefined]);
      expect((await forward(value, 'application/json'))[0]).toBe(401);
      expect((await forward(session, 'text/event-stream'))[0]).toBe(401);
      expect((await send('GET', `/v1/me/session?api_key=${value}`)).status).toBe(401);
      const lines = service.logs.join('\n');
      expect([lines.includes(value), lines.includes(session)]).toEqual([false, false]);
    },
  },
  {
    section: 'Who am I',
    page: 'a person can read who they are, what they may do, and their other organizations',
    latchkey: '`GET /v1/me/session` has `user_id`, `email`, `role`, `permissions`, and `memberships` with billing.',
    standing: 'elsewhere',
    async check({ company }) {
      const acme = await company();
      expect((await acme.ask('GET', '/v1/me/session')).body).toMatchObject({
        user_id: acme.userId('owner'),
        email: acme.email('owner'),
        role: 'owner',
        permissions: expect.arrayContaining(['apikeys:write']),
        memberships: [{ organization_id: acme.id, role: 'owner', billing: { status: 'active', posture: 'active' } }],
      });
    },
  },
  {
    section: 'Who am I',
    page: 'a key can read its label and permission set, and has one user id for all keys',
    latchkey:
      '`api_key_label`, `api_key_permission_set`, and `user_id` is `user_system_api_key`; no e-mail address and no role.',
    standing: 'elsewhere',
    async check({ company, send }) {
      const { value } = await (await company()).key({ label: 'CI', ...LOOK });
      const { body } = await send('GET', '/v1/me/session', { 'x-api-key': value });
      expect(body).toMatchObject({
        api_key_label: 'CI',
        api_key_permission_set: 'read_only',
        user_id: 'user_system_api_key',
        permissions: ['audit:read', 'workspace:read'],
      });
      expect(Object.keys(body).filter((name) => ['email', 'role', 'memberships'].includes(name))).toEqual([]);
    },
  },
];

export const REVOKING: Behaviour<World>[] = [
  {
    section: 'Revoke an API key',
    page: 'the key is deleted at WorkOS and revoked here; its secret is refused from then on',
    latchkey: '200 `{"status":"revoked"}`. The next use is 401 `credential_invalid`, also of a key that was in memory.',
    standing: 'elsewhere',
    async check({ company, api, service }) {
      const acme = await company();
      const key = await acme.key(LOOK);
      const headers = { authorization: `Bearer ${key.value}` };
      for (let i = 0; i < 3; i++) expect((await api.send('GET', '/workspaces', headers)).status).toBe(200);
      expect((await acme.ask('DELETE', `/v1/api-keys/${key.id}`)).body).toEqual({ status: 'revoked' });
      expect(outcome(await api.send('GET', '/workspaces', headers))).toEqual([401, 'credential_invalid']);
      expect(await keysAtWorkos(service, acme.id)).toEqual([]);
    },
  },
  {
    section: 'Revoke an API key',
    page: 'deleting a key that WorkOS no longer has succeeds',
    latchkey: '200 `{"status":"revoked"}`.',
    standing: 'elsewhere',
    async check({ company, service }) {
      const acme = await company();
      const key = await acme.key(LOOK);
      const { url, apiKey } = service.workos;
      const deleted = await fetch(`${url}/api_keys/${key.id}`, {
        method: 'DELETE',
        headers: { authorization: `Bearer ${apiKey}` },
      });
      expect(deleted.ok).toBe(true);
      expect((await acme.ask('DELETE', `/v1/api-keys/${key.id}`)).body).toEqual({ status: 'revoked' });
    },
  },
  {
    section: 'Revoke an API key',
    page: '404 for a key of another organization',
    latchkey: '404 `api_key_not_found`, as for a key that does not exist. The key still works.',
    standing: 'elsewhere',
    async check({ company, verify }) {
      const [mine, theirs] = [await company(), await company()];
      const key = await theirs.key(LOOK);
      for (const id of [key.id, 'api_key_01HZ'])
        expect(outcome(await mine.ask('DELETE', `/v1/api-keys/${id}`))).toEqual([404, 'api_key_not_found']);
      expect(await verify(key.value)).toMatchObject({ valid: true });
    },
  },
];
