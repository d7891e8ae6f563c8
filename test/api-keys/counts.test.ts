import { describe, expect, test } from 'vitest';
import { makeCountByStatus } from '../../src/api-keys/rows/count-keys.ts';
import { makeHoldersOf } from '../../src/api-keys/rows/holders.ts';
import { createKey } from '../support/api.ts';
import { startService } from '../support/service.ts';

const service = await startService();
const { db, clock } = service;

async function organizationWith(keys: number): Promise<string> {
  const acme = await service.organizations.add();
  const token = await acme.session();
  for (let i = 0; i < keys; i++) await createKey(service, token);
  return acme.id;
}

const ofTwo = await organizationWith(2);
await organizationWith(0);
await organizationWith(3);

describe('countByStatus', () => {
  test('counts the same in pages as in one statement', async () => {
    for (const page of [1, 2, 5, 100]) expect(await makeCountByStatus(db, undefined, page)()).toEqual({ active: 5 });
  });

  test('reuses a count for a hundred times its duration', async () => {
    let now = 0;
    const count = makeCountByStatus(db, () => (now += 1_000));
    expect(await count()).toEqual({ active: 5 });
    await db('api_keys').where({ organization_id: ofTwo }).update({ status: 'failed' });
    expect(await count()).toEqual({ active: 5 });
    now += 200_000;
    expect(await count()).toEqual({ active: 3, failed: 2 });
    await db('api_keys').update({ status: 'active' });
  });
});

describe('holdersOf', () => {
  test.each([1, 2, 3, 200])('finds all holders of a set in pages of %i organizations', async (page) => {
    const holdersOf = makeHoldersOf({ clock, page });
    const found: { organizationId: string; keys: number }[] = [];
    let after: string | undefined = '';
    for (let statements = 0; after !== undefined; statements++) {
      expect(statements).toBeLessThan(10);
      const what = { permissionSets: ['read_only'], scope: undefined };
      const { holders, next } = await db.transaction((trx) => holdersOf(trx, what, after!, 1));
      found.push(...holders);
      after = next;
    }
    expect(found.map(({ keys }) => keys).toSorted((a, b) => a - b)).toEqual([2, 3]);
    expect(found.map(({ organizationId }) => organizationId)).toEqual(
      found.map(({ organizationId }) => organizationId).toSorted(),
    );
  });
});
