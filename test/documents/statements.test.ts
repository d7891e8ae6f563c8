import { expect, test } from 'vitest';
import { startService } from '../support/service.ts';
import { blocksOf, documents } from './pages.ts';

// The statements of docs/how-to/restrict-addresses.md and docs/tutorials/run-in-production.md. Those that other tests check
// are left to these.
const HERE = 'test/documents/statements.test.ts';
const service = await startService();

test('each statement does what the page says', async () => {
  const blocks = documents().flatMap(blocksOf);
  const statements = blocks
    .filter(({ language, marker }) => language === 'sql' && marker === `checked by: ${HERE}`)
    .map(({ text }) => text);
  const [lift, create, ...others] = statements.toSorted((a, b) => b.localeCompare(a));
  expect(others).toEqual([]);
  const { id } = await service.organizations.add();
  const row = service.db('tenants').where({ organization_id: id });
  await row.clone().update({ ip_allow_list: ['192.0.2.0/24'] });
  await service.db.raw(lift!.replace('org_…', id));
  expect(await row.clone().first('ip_allow_list')).toEqual({ ip_allow_list: [] });

  // A role is the whole server's, so that it is not kept.
  const created = service.db.transaction(async (trx) => {
    await trx.raw(create!);
    const { rows } = await trx.raw<{ rows: object[] }>(
      "select pg_has_role('latchkey_service', 'latchkey_app', 'member') as has",
    );
    expect(rows).toEqual([{ has: true }]);
    throw new Error('undone');
  });
  await expect(created).rejects.toThrow('undone');
});
