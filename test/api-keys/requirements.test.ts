import { expect, test } from 'vitest';
import { call, outcome } from '../support/api.ts';
import { atWorkos } from '../support/at-workos.ts';
import { emptySeed, startService } from '../support/service.ts';
import { workosRequests } from '../support/workos-keys.ts';

const product = {
  scopes: [
    {
      group: 'Memory',
      scopes: [
        { name: 'memory:read', description: 'Read.' },
        { name: 'mcp:use', description: 'Use MCP.', requires: 'default_product' },
        { name: 'all', description: 'Everything.', implies: ['mcp:use'] },
        { name: 'apikeys:write', description: 'Manage keys.' },
      ],
    },
  ],
  never_granted: ['apikeys:write'],
  permission_sets: [
    { name: 'plain', description: 'Reads.', scopes: ['memory:read'] },
    { name: 'mcp', description: 'Uses MCP.', scopes: ['memory:read', 'mcp:use'] },
    { name: 'all', description: 'By implication.', scopes: ['all'] },
  ],
  plans: [{ name: 'only', key_limit: 10 }],
  default_plan: 'only',
};
const seed = {
  ...emptySeed,
  permissions: product.scopes[0]!.scopes.map(({ name }) => ({ slug: name, name })),
  apiKeyPermissions: { organization: ['memory:read', 'mcp:use', 'all'] },
};
const DRY_RUN = '/dry-run';
const service = await startService({}, { product, seed });

const create = (token: string, permission_set: string, path = '') =>
  call(service, 'POST', `/v1/api-keys${path}`, { token, body: { label: 'a key', permission_set } });
const setMetadata = (id: string, default_product: string | null) =>
  atWorkos(service, 'PUT', `/organizations/${id}`, { metadata: { default_product } });
const refusal = (scope: string) => ({
  permission_set: `${scope} needs default_product, which this organization lacks.`,
});

test.each(['mcp', 'all'])(
  'a key of the set %s is refused until the organization has what its scopes need',
  async (set) => {
    const acme = await service.organizations.add({ status: 'active' });
    const token = await acme.session();
    for (const path of ['', DRY_RUN]) {
      const refused = await create(token, set, path);
      expect([outcome(refused), refused.body.error.details]).toEqual([
        [400, 'validation_error'],
        { fields: refusal('mcp:use') },
      ]);
    }
    await setMetadata(acme.id, 'prod_1');
    expect((await create(token, set, DRY_RUN)).status).toBe(200);
    const made = await create(token, set);
    expect(made.status).toBe(201);
    // What a key has, its successor gets, too.
    await setMetadata(acme.id, '');
    const rotated = await call(service, 'POST', `/v1/api-keys/${String(made.body['id'])}/rotate`, { token, body: {} });
    expect(rotated.status).toBe(201);
    expect(outcome(await create(token, set))).toEqual([400, 'validation_error']);
  },
);

test('WorkOS is asked about scopes that need something alone', async () => {
  const acme = await service.organizations.add({ status: 'active' });
  expect((await create(await acme.session(), 'plain')).status).toBe(201);
  expect(workosRequests(service, 'GET', `/organizations/${acme.id}`)).toBe(0);
  await create(await acme.session(), 'mcp');
  expect(workosRequests(service, 'GET', `/organizations/${acme.id}`)).toBe(1);
});

test('what a scope needs is listed with it', async () => {
  const acme = await service.organizations.add({ status: 'active' });
  const { body } = await call(service, 'GET', '/v1/api-keys/permissions', { token: await acme.session() });
  const groups = body.data as unknown as { permissions: { name: string; requires: string | null }[] }[];
  const listed = groups.flatMap(({ permissions }) => permissions.map(({ name, requires }) => [name, requires]));
  expect(listed).toEqual([
    ['memory:read', null],
    ['mcp:use', 'default_product'],
    ['all', null],
    ['apikeys:write', null],
  ]);
});
