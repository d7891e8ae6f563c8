import { describe, expect, test } from 'vitest';
import { call, createKey, outcome } from '../support/api.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';
import type { Service } from '../support/service.ts';
import { statementsOf } from './gather.ts';

const service = await startService();
const DAY = '?interval=day&from=2026-03-01T00:00:00Z&to=2026-03-03T00:00:00Z';
const PATH = '/v1/api-keys/usage';
const many = (count: number) => Array.from({ length: count }, (_, i) => `api_key_${i}`).join(',');

async function organizationWith(keys: number) {
  const acme = await service.organizations.add();
  const owner = await acme.session();
  const ids: string[] = [];
  for (let i = 0; i < keys; i++) ids.push((await createKey(service, owner)).id);
  const usage = (query: string, token = owner) => call(service, 'GET', PATH + query, { token });
  const used = (id: string, hour: string, count: number, code = 'valid') =>
    insertUse(service, acme.id, { id, hour, count, code });
  return { acme, owner, ids, usage, used };
}

type Use = { id: string; hour: string; count: number; code: string };
const insertUse = ({ db }: Pick<Service, 'db'>, organizationId: string, { id, hour, ...use }: Use) =>
  db('usage_counts').insert({ organization_id: organizationId, key_id: id, hour: new Date(hour), ...use });

describe('GET /v1/api-keys/usage', () => {
  test('returns the usage of each key, in the order asked for, by one statement', async () => {
    const { ids, usage, used } = await organizationWith(2);
    const [first = '', second = ''] = ids;
    await used(first, '2026-03-01T00:00Z', 10);
    await used(first, '2026-03-01T23:00Z', 5, 'expired');
    await used(first, '2026-03-02T00:00Z', 1);
    await used(first, '2026-03-03T00:00Z', 100);
    const statements = await statementsOf(service.db, async () => {
      expect((await usage(`${DAY}&ids=${second},${first},${second}`)).body).toEqual({
        from: '2026-03-01T00:00:00.000Z',
        to: '2026-03-03T00:00:00.000Z',
        interval: 'day',
        data: [
          {
            id: second,
            total: 0,
            codes: {},
            data: [
              { start: '2026-03-01T00:00:00.000Z', total: 0 },
              { start: '2026-03-02T00:00:00.000Z', total: 0 },
            ],
          },
          {
            id: first,
            total: 16,
            codes: { valid: 11, expired: 5 },
            data: [
              { start: '2026-03-01T00:00:00.000Z', total: 15 },
              { start: '2026-03-02T00:00:00.000Z', total: 1 },
            ],
          },
        ],
      });
    });
    expect(statements.filter((sql) => sql.includes('usage_counts'))).toHaveLength(1);
  });

  test('covers the last 24 hours by hour unless asked otherwise', async () => {
    const { ids, usage } = await organizationWith(1);
    const { body } = await usage(`?ids=${ids[0]}`);
    expect([body['interval'], (body.data[0]!['data'] as unknown[]).length]).toEqual(['hour', 24]);
  });

  test('leaves out keys of other organizations and ids that are no key', async () => {
    const { ids, usage } = await organizationWith(1);
    const other = await organizationWith(1);
    const { status, body } = await usage(`?ids=${other.ids[0]},api_key_invented,${ids[0]}`);
    expect([status, body.data.map(({ id }) => id)]).toEqual([200, ids]);
    expect((await usage(`?ids=${other.ids[0]}`)).body.data).toEqual([]);
  });

  test('shows a person with `apikeys:read:own` the own keys alone', async () => {
    const personal = await startService(
      {},
      { product: { api_keys: { prefixes: ['sk_'], owners: ['organization', 'user'] } } },
    );
    const acme = await personal.organizations.add();
    const session = (role: 'operator' | 'member') =>
      acme.session(role, { permissions: ['apikeys:write:own', 'workspace:read', 'audit:read'] });
    const [ada, ben] = [await session('operator'), await session('member')];
    const make = async (token: string) => (await createKey(personal, token, { owner: 'user' })).id;
    const ids = [await make(ada), await make(ben)];
    const seen = async (token: string) =>
      (await call(personal, 'GET', `${PATH}?ids=${ids.join(',')}`, { token })).body.data.map(({ id }) => id);
    expect(await seen(ada)).toEqual([ids[0]]);
    expect(await seen(ben)).toEqual([ids[1]]);
    expect(await seen(await acme.session('owner'))).toEqual(ids);
  });

  test('returns 403 to callers who may not read keys', async () => {
    const { acme, ids, usage } = await organizationWith(1);
    for (const token of [await acme.session('member'), await acme.machineToken('audit:read'), SERVICE_TOKEN])
      expect(outcome(await usage(`?ids=${ids[0]}`, token))).toEqual([403, 'permission_denied']);
  });

  test.each([
    ['', 'ids'],
    ['?ids=', 'ids'],
    ['?ids=api_key_a,,api_key_b', 'ids'],
    ['?ids=%00', 'ids'],
    [`?ids=${many(101)}`, 'ids'],
    [`?ids=${many(50)}&ids=api_key_x`, 'ids'],
    ['?ids=api_key_a&interval=minute', 'interval'],
    ['?ids=api_key_a&from=yesterday', 'from'],
    [`?ids=${many(100)}&from=2026-03-01T00:00:00Z&to=2026-03-10T00:00:00Z`, 'from'],
    ['?ids=api_key_a&limit=1', 'limit'],
  ])('returns 400 on the field for %s', async (query, field) => {
    const answer = await (await organizationWith(0)).usage(query);
    expect(outcome(answer)).toEqual([400, 'validation_error']);
    expect(Object.keys(answer.body.error.details?.['fields'] as object)).toEqual([field]);
  });

  test('takes 100 keys over eight days by hour', async () => {
    const { usage } = await organizationWith(0);
    const query = `?ids=${many(100)}&from=2026-03-01T00:00:00Z&to=2026-03-09T00:00:00Z`;
    expect(outcome(await usage(query))).toEqual([200, undefined]);
  });
});
