import { describe, expect, test } from 'vitest';
import { call, outcome, requestKey } from '../support/api.ts';
import type { Organization } from '../support/organizations.ts';
import { startService } from '../support/service.ts';

const LIMIT = 3;
const service = await startService(
  {},
  {
    product: {
      api_keys: {
        prefixes: ['sk_'],
        owners: ['organization', 'user'],
        keys_per_user: LIMIT,
        keys_per_user_within: 'everywhere',
      },
    },
  },
);
const replica = await service.replica();
const REFUSED = [409, 'key_limit_reached'];

/** A person who is a member of two organizations, with a session in each. */
async function personOfTwo() {
  const organizations = [await service.organizations.add(), await service.organizations.add()] as const;
  const userId = organizations[0].userId('member');
  service.workos.seed({ memberships: [{ userId, organizationId: organizations[1].id, role: 'member' }] });
  const permissions = ['apikeys:write:own', 'workspace:read', 'audit:read'];
  const sessionOf = (acme: Organization) =>
    acme.session('member', { sub: userId, sid: `session_${acme.name}_two`, permissions });
  const tokens = [await sessionOf(organizations[0]), await sessionOf(organizations[1])] as const;
  const create = (i: 0 | 1, at: { url: string } = service, body: object = {}) =>
    requestKey(at, tokens[i], { owner: 'user', ...body });
  return { organizations, userId, tokens, create };
}

async function full() {
  const person = await personOfTwo();
  const ids: string[] = [];
  for (const i of [0, 1, 0] as const) {
    const { status, body } = await person.create(i);
    expect(status).toBe(201);
    ids.push(String(body['id']));
  }
  return { ...person, ids };
}

describe('keys of a person, counted everywhere', () => {
  test('are refused in each organization once there are as many in all of them', async () => {
    const { create, tokens } = await full();
    for (const i of [0, 1] as const) {
      const refused = await create(i);
      expect(outcome(refused)).toEqual(REFUSED);
      expect(refused.body.error).toMatchObject({
        message: 'A person can have at most 3 active keys in all organizations together. Revoke one first.',
        details: { limit: LIMIT, owner: 'user', within: 'everywhere' },
      });
      const body = { label: 'a key', permission_set: 'read_only', owner: 'user' };
      const judged = await call(service, 'POST', '/v1/api-keys/dry-run', { token: tokens[i], body });
      expect(outcome(judged)).toEqual(REFUSED);
    }
  });

  test('show nothing of another organization in the refusal', async () => {
    const { create, organizations } = await full();
    const text = JSON.stringify((await create(1)).body);
    expect(text).not.toContain(organizations[0].id);
  });

  test('are exactly as many when two organizations create at once, on two replicas', async () => {
    const { create, userId } = await personOfTwo();
    const answers = await Promise.all(
      Array.from({ length: 16 }, (_, i) => create((i % 2) as 0 | 1, i % 4 < 2 ? service : replica)),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(LIMIT);
    expect(answers.filter(({ status }) => status !== 201).map(outcome)).toEqual(
      Array.from({ length: 16 - LIMIT }, () => REFUSED),
    );
    expect(await service.db('api_keys').where({ owner_user_id: userId, status: 'active' })).toHaveLength(LIMIT);
  });

  test('have a place again in one organization for a key that is revoked in another', async () => {
    const { create, tokens, ids } = await full();
    await call(service, 'DELETE', `/v1/api-keys/${ids[1]}`, { token: tokens[1] });
    expect((await create(0)).status).toBe(201);
    expect(outcome(await create(1))).toEqual(REFUSED);
  });

  test('have a place again for one that expired', async () => {
    const { create } = await personOfTwo();
    const expires_at = new Date(service.clock().getTime() + 60_000).toISOString();
    for (let i = 0; i < LIMIT; i++) expect((await create(0, service, { expires_at })).status).toBe(201);
    expect(outcome(await create(1))).toEqual(REFUSED);
    service.clock.advance(61_000);
    expect((await create(1)).status).toBe(201);
  });

  test('are rotated when there are as many as allowed, and count a key and its successor once', async () => {
    const { create, tokens, ids } = await full();
    const rotation = { token: tokens[1], body: { grace_seconds: 60 } };
    expect((await call(service, 'POST', `/v1/api-keys/${ids[1]}/rotate`, rotation)).status).toBe(201);
    expect(outcome(await create(0))).toEqual(REFUSED);
  });

  test('count apart from those of other people and of the organization', async () => {
    const { organizations } = await full();
    const [acme] = organizations;
    expect((await requestKey(service, await acme.session('operator'), { owner: 'user' })).status).toBe(201);
    for (let i = 0; i < LIMIT + 1; i++) {
      const { status } = await requestKey(service, await acme.session('owner'), { owner: 'organization' });
      expect(status).toBe(201);
    }
  });
});
