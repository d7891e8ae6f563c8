import { describe, expect, test } from 'vitest';
import { call, createKey, outcome } from '../support/api.ts';
import { startService } from '../support/service.ts';

const small = { name: 'small', key_limit: 1, allowed_permission_sets: ['read_only'] };
const service = await startService({}, { plans: [small] });

const KEY = { label: 'CI', permission_set: 'read_only', expires_in: '30d' };
const judge = (token: string, body: object = KEY) => call(service, 'POST', '/v1/api-keys/dry-run', { token, body });
const create = (token: string, body: object) => call(service, 'POST', '/v1/api-keys', { token, body });
const stateOf = async (organizationId: string) =>
  JSON.stringify([
    await service.db('api_keys').where({ organization_id: organizationId }),
    await service.db('audit_events').where({ organization_id: organizationId }),
    await service.db('outbox').where({ organization_id: organizationId }),
  ]);

describe('POST /v1/api-keys/dry-run', () => {
  test('answers with the key that a creation would make, and makes none', async () => {
    const acme = await service.organizations.add();
    const token = await acme.session('owner');
    const before = await stateOf(acme.id);
    const judged = await judge(token);
    expect([judged.status, judged.body]).toEqual([
      200,
      {
        label: 'CI',
        permission_set: 'read_only',
        scopes: ['workspace:read', 'audit:read'],
        environment: 'live',
        owner: { type: 'organization', id: acme.id },
        expires_at: expect.any(String),
      },
    ]);
    expect(await stateOf(acme.id)).toBe(before);
    const made = await create(token, KEY);
    const { expires_at, ...same } = judged.body;
    expect(made.body).toMatchObject(same);
    expect(Math.abs(Date.parse(String(made.body['expires_at'])) - Date.parse(String(expires_at)))).toBeLessThan(60_000);
  });

  test.each<[string, object, object]>([
    [
      'a set that the plan does not include',
      { status: 'active', plan: 'small' },
      { ...KEY, permission_set: 'full_access' },
    ],
    ['a set that is not there', { status: 'active' }, { ...KEY, permission_set: 'nothing' }],
    ['a label that is empty', { status: 'active' }, { ...KEY, label: '' }],
    ['billing that is past due', { status: 'past_due' }, KEY],
    ['another organization', { status: 'active' }, { ...KEY, organization_id: 'org_other' }],
  ])('refuses %s as the creation does', async (_, billing, body) => {
    const acme = await service.organizations.add(billing as Parameters<typeof service.organizations.add>[0]);
    const token = await acme.session('owner');
    const [judged, made] = [await judge(token, body), await create(token, body)];
    expect(judged.status).toBeGreaterThan(399);
    expect([judged.status, { ...judged.body.error, request_id: '' }]).toEqual([
      made.status,
      { ...made.body.error, request_id: '' },
    ]);
  });

  test('refuses when the limit is reached, and sends no webhook about it', async () => {
    const acme = await service.organizations.add({ status: 'active', plan: 'small' });
    const token = await acme.session('owner');
    await createKey(service, token);
    const before = await stateOf(acme.id);
    expect(outcome(await judge(token))).toEqual([409, 'key_limit_reached']);
    expect(await stateOf(acme.id)).toBe(before);
  });

  test('is for those alone who may create', async () => {
    const acme = await service.organizations.add();
    const key = await createKey(service, await acme.session('owner'), { permission_set: 'full_access' });
    for (const token of [key.value, await acme.session('member'), await acme.machineToken('workspace:read')])
      expect(outcome(await judge(token))).toEqual([403, 'permission_denied']);
  });

  test('counts towards the changes of keys that an organization may make', async () => {
    const busy = await startService({ LATCHKEY_KEY_CHANGES_PER_MINUTE: '2' });
    const acme = await busy.organizations.add();
    const token = await acme.session('owner');
    const asked = () => call(busy, 'POST', '/v1/api-keys/dry-run', { token, body: KEY });
    expect([(await asked()).status, (await asked()).status]).toEqual([200, 200]);
    expect(outcome(await asked())).toEqual([429, 'rate_limited']);
    expect(outcome(await call(busy, 'POST', '/v1/api-keys', { token, body: KEY }))).toEqual([429, 'rate_limited']);
    const other = await (await busy.organizations.add()).session('owner');
    expect((await call(busy, 'POST', '/v1/api-keys/dry-run', { token: other, body: KEY })).status).toBe(200);
  });
});
