import { expect, test } from 'vitest';
import { readProduct } from '../../src/product/read-product.ts';
import { atWorkos } from '../support/at-workos.ts';
import { takeWorkosDown } from '../support/workos-faults.ts';
import { anOldKey, categories, rowOf, startImports, storedKeys } from './imports.ts';

const { scopes: groups } = readProduct(new URL('../../config/evershell.yaml', import.meta.url));
const scopes = groups.map(({ scopes: each, ...group }) => ({
  ...group,
  scopes: each.map((scope) => (scope.name === 'tasks:write' ? { ...scope, requires: 'default_product' } : scope)),
}));
const { service, write, plan, apply } = await startImports(undefined, {}, { scopes });

/** A row whose set, `submit_observe`, has the scope that needs something. */
const needing = (organizationId: string) => rowOf(anOldKey(), organizationId, { scopes: 'read work' });
const setProduct = (id: string, default_product: string | null) =>
  atWorkos(service, 'PUT', `/organizations/${id}`, { metadata: { default_product } });
const asksAbout = (id: string) =>
  service.workos.requests().filter(({ method, path }) => method === 'GET' && path === `/organizations/${id}`).length;

test('a plan names, by line, the rows whose scopes need what the organization lacks, and asks WorkOS once about it', async () => {
  const [acme, globex] = [await service.organizations.add(), await service.organizations.add()];
  await setProduct(globex.id, 'memories');
  const plain = rowOf(anOldKey(), acme.id);
  const { rows } = await plan(write([plain, needing(acme.id), needing(globex.id), needing(acme.id)]));
  expect(categories(rows)).toEqual(['1 ready', '2 unmet_requirement', '3 ready', '4 unmet_requirement']);
  expect(rows[1]).toMatchObject({
    reason: `tasks:write needs default_product, which ${acme.id} lacks`,
    key: undefined,
  });
  expect([asksAbout(acme.id), asksAbout(globex.id)]).toEqual([1, 1]);
});

test('an import leaves these rows out, and takes them once the organization has it', async () => {
  const acme = await service.organizations.add();
  const path = write([rowOf(anOldKey(), acme.id), needing(acme.id)]);
  expect(categories((await apply(path)).rows)).toEqual(['1 ready', '2 unmet_requirement']);
  expect(await storedKeys(service, acme.id)).toHaveLength(1);
  await setProduct(acme.id, '');
  expect(categories((await plan(path)).rows)).toEqual(['1 already', '2 unmet_requirement']);
  await setProduct(acme.id, 'memories');
  expect(categories((await apply(path)).rows)).toEqual(['1 already', '2 ready']);
  expect(await storedKeys(service, acme.id)).toHaveLength(2);
});

test('neither a plan nor an import goes on without an answer of WorkOS, and nothing is imported unjudged', async () => {
  const acme = await service.organizations.add();
  const path = write([needing(acme.id)]);
  takeWorkosDown(service);
  try {
    await expect(plan(path)).rejects.toThrow(/WorkOS/i);
    await expect(apply(path)).rejects.toThrow(/WorkOS/i);
  } finally {
    service.workos.faults.clear();
  }
  expect(await storedKeys(service, acme.id)).toEqual([]);
});
