import { describe, expect, test } from 'vitest';
import type { RouteOptions } from '../../src/client/express.ts';
import { startProductApi } from './product-api.ts';
import type { ProductRoute } from './product-api.ts';
import { startWithTestKeys } from './memsolus/start.ts';

// Written from the product's public page alone, as one of its readers would use it. The paths of the product's API, which
// the page does not print, are made up here: one for each permission.
const PERMISSIONS = `memory.read | List, search, and view memories
memory.write | Create and update memories
memory.delete | Delete memories
knowledge.read | View knowledge entries
knowledge.write | Create and update knowledge entries
knowledge.delete | Delete knowledge entries
export.read | List and download exports
export.write | Create export jobs
ingest.read | View ingestion job status
ingest.write | Submit files and URLs for ingestion
webhook.read | List webhooks and delivery history
webhook.write | Create and update webhooks
webhook.delete | Delete webhooks
dashboard.read | View usage statistics and alerts`
  .split('\n')
  .map((line) => line.split(' | ')[0]!);

const world = await startWithTestKeys();
const routeOf = (permission: string): ProductRoute => {
  const [resource, verb] = permission.split('.') as [string, 'read' | 'write' | 'delete'];
  return `${({ read: 'GET', write: 'POST', delete: 'DELETE' } as const)[verb]} /v1/${resource}`;
};
const api = await startProductApi(
  world.service,
  Object.fromEntries(
    PERMISSIONS.map((permission): [ProductRoute, RouteOptions] => [routeOf(permission), { scopes: [permission] }]),
  ),
);
const acme = await world.company();

/** Sends a request that needs the permission, and returns the status. */
const use = async (permission: string, key: string, header = 'X-Api-Key') => {
  const [method, path] = routeOf(permission).split(' ') as ['GET', string];
  return (await api.send(method, path, { [header]: key })).status;
};

describe('Creating an API Key', () => {
  test('with a descriptive name and only the permissions that the integration needs', async () => {
    const key = await acme.key({ label: 'crm-integration', scopes: ['memory.read', 'ingest.write'] });
    expect(key).toMatchObject({ label: 'crm-integration' });
    expect([await use('memory.read', key.value), await use('ingest.write', key.value)]).toEqual([200, 200]);
    expect([await use('memory.write', key.value), await use('ingest.read', key.value)]).toEqual([403, 403]);
  });

  test('the key is shown only once, immediately after creation', async () => {
    const { id, value } = await acme.key({ label: 'production-agent', scopes: ['memory.read'] });
    expect(value).toMatch(/./);
    const later = [await acme.shown(id), (await acme.ask('GET', '/v1/api-keys')).body];
    expect(JSON.stringify(later)).toContain(id);
    expect(JSON.stringify(later)).not.toContain(value);
  });

  test('keys starting with msk_live_ are production keys, and test keys start with msk_test_', async () => {
    const live = await acme.key({ scopes: ['memory.read'] });
    const trial = await acme.key({ scopes: ['memory.read'], environment: 'test' });
    expect([live.value, trial.value]).toEqual([
      expect.stringMatching(/^msk_live_\w+$/),
      expect.stringMatching(/^msk_test_\w+$/),
    ]);
    expect(await use('memory.read', live.value)).toBe(200);
    expect(await use('memory.read', trial.value)).toBe(403);
    expect(await world.verify(trial.value, { environment: 'test' })).toMatchObject({ valid: true });
  });
});

describe('Using the Key', () => {
  test('in the X-Api-Key header, on every request', async () => {
    const { value } = await acme.key({ scopes: ['memory.read'] });
    for (const header of ['X-Api-Key', 'x-api-key', 'X-API-KEY'])
      expect(await use('memory.read', value, header)).toBe(200);
    expect((await api.send('GET', '/v1/memory')).status).toBe(401);
    expect(await use('memory.read', `${value}x`)).toBe(401);
  });
});

describe('Permissions', () => {
  test('there are the fourteen of the table', async () => {
    const { body } = await acme.ask('GET', '/v1/api-keys/permissions');
    const listed = body.data.flatMap(({ permissions }) => permissions as { name: string; choosable: boolean }[]);
    expect(listed.filter(({ choosable }) => choosable).map(({ name }) => name)).toEqual(PERMISSIONS);
  });

  test.each(PERMISSIONS)('%s opens its requests, and all others are 403 Forbidden', async (permission) => {
    const { value } = await acme.key({ scopes: [permission] });
    const statuses = await Promise.all(PERMISSIONS.map((other) => use(other, value)));
    expect(statuses).toEqual(PERMISSIONS.map((other) => (other === permission ? 200 : 403)));
  });

  test('one key has all fourteen', async () => {
    const { value } = await acme.key({ scopes: PERMISSIONS });
    for (const permission of PERMISSIONS) expect(await use(permission, value)).toBe(200);
  });
});

describe('Best Practices', () => {
  test('Use a separate key per integration: revoking one does not affect other services', async () => {
    const [agent, crm] = [await acme.key({ scopes: ['memory.read'] }), await acme.key({ scopes: ['memory.read'] })];
    expect((await acme.ask('DELETE', `/v1/api-keys/${crm.id}`)).status).toBe(200);
    await expect.poll(() => use('memory.read', crm.value), { interval: 5 }).toBe(401);
    expect(await use('memory.read', agent.value)).toBe(200);
  });

  test('Rotate keys regularly: create a new key, update the integration, then revoke the old one', async () => {
    const old = await acme.key({ label: 'crm-integration', scopes: ['memory.read'] });
    const next = await acme.key({ label: 'crm-integration', scopes: ['memory.read'] });
    expect([await use('memory.read', old.value), await use('memory.read', next.value)]).toEqual([200, 200]);
    await acme.ask('DELETE', `/v1/api-keys/${old.id}`);
    await expect.poll(() => use('memory.read', old.value), { interval: 5 }).toBe(401);
    expect(await use('memory.read', next.value)).toBe(200);
  });
});
