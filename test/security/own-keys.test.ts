import { describe, expect, test } from 'vitest';
import { call, createKey, outcome } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { documentedRoutes } from './routes-of-document.ts';

// People who reach their own keys alone, against a colleague's keys and those of another organization.
const service = await startService(
  {},
  { product: { api_keys: { prefixes: ['sk_'], owners: ['organization', 'user'] } } },
);
const OWN = { permissions: ['apikeys:write:own', 'apikeys:read:own', 'workspace:read'] };
const BODIES: Record<string, object> = {
  'PATCH /v1/api-keys/{id}': { label: 'stolen' },
  'POST /v1/api-keys/{id}/rotate': {},
  'POST /v1/api-keys/{id}/suspend': { reason: 'theirs' },
};

const acme = await service.organizations.add();
const other = await service.organizations.add();
const victimOwner = await acme.session();
const personal = { owner: 'user', label: 'the label of the victim' };
const victims = [
  await createKey(service, victimOwner, personal),
  await createKey(service, victimOwner, { label: 'the label of the victim' }),
];
const colleague = await acme.session('member', OWN);
const stranger = await other.session('member', OWN);
// The same person in another organization.
const elsewhere = await other.session('owner', { ...OWN, sub: acme.userId('owner') });
const colleaguesKey = await createKey(service, colleague, { owner: 'user' });
await service.db('api_keys').where({ workos_id: colleaguesKey.id }).update({ scopes: OWN.permissions });

const routes = (await documentedRoutes(service)).filter(({ path }) => path.startsWith('/v1/api-keys/{id}'));
const state = async () =>
  JSON.stringify(await service.db('api_keys').where({ organization_id: acme.id }).orderBy('created_at'));

describe('a caller with …:own scopes', () => {
  test('covers every route of a key', () => {
    expect(routes.length).toBeGreaterThanOrEqual(5);
    expect(routes.filter(({ hasBody, name }) => hasBody && !BODIES[name]).map(({ name }) => name)).toEqual([]);
  });

  test.each(routes.map(({ name }) => name))(
    "keeps %s from a colleague's key and from another organization's",
    async (name) => {
      const route = routes.find((candidate) => candidate.name === name)!;
      const before = await state();
      for (const { id } of victims)
        for (const token of [colleague, stranger, elsewhere]) {
          const path = route.path.replace('{id}', id);
          const answer = await call(service, route.method, path, {
            token,
            ...(route.hasBody && { body: BODIES[name] }),
          });
          expect(outcome(answer)).toEqual([404, 'api_key_not_found']);
        }
      expect(await state()).toBe(before);
    },
  );

  test.each(routes.map(({ name }) => name))(
    "%s by a personal key reaches its owner's keys alone, and only reads",
    async (name) => {
      const route = routes.find((candidate) => candidate.name === name)!;
      const ask = async (id: string) => {
        const path = route.path.replace('{id}', id);
        const body = route.hasBody ? { body: BODIES[name] } : {};
        return outcome(await call(service, route.method, path, { token: colleaguesKey.value, ...body }));
      };
      const reads = route.method === 'GET';
      expect(await ask(colleaguesKey.id)).toEqual(reads ? [200, undefined] : [403, 'permission_denied']);
      expect(await ask(victims[0]!.id)).toEqual(reads ? [404, 'api_key_not_found'] : [403, 'permission_denied']);
    },
  );

  test('shows them in no list, by filter or by cursor', async () => {
    for (const token of [colleague, stranger, elsewhere, colleaguesKey.value]) {
      for (const query of ['', '?owner=user', '?owner=me', '?q=victim']) {
        const { status, body } = await call(service, 'GET', `/v1/api-keys${query}`, { token });
        expect(status).toBe(200);
        expect(JSON.stringify(body)).not.toContain('victim');
      }
    }
    const walked = await call(service, 'GET', `/v1/api-keys?after=${victims[1]!.id}`, { token: stranger });
    expect(outcome(walked)).toEqual([400, 'validation_error']);
  });

  test('refuses the usage of the organization', async () => {
    const answer = await call(service, 'GET', '/v1/organization/usage', { token: colleague });
    expect(outcome(answer)).toEqual([403, 'permission_denied']);
  });
});
