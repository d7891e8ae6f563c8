import { describe, expect, test } from 'vitest';
import { readConfig } from '../../src/app/read-config.ts';
import { readProduct } from '../../src/product/read-product.ts';
import { call, createKey, outcome, verifyKey } from '../support/api.ts';
import type { Answer } from '../support/api.ts';
import type { Organization } from '../support/organizations.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';

const MANAGERS = 'svc_managers_0123456789';
const KEYS_ALONE = 'svc_keys_0123456789';
const ADDRESSES_ALONE = 'svc_addresses_0123456789';
const BILLING_ALONE = 'svc_billing_0123456789';

const { permission_sets: sets } = readProduct(new URL('../../config/evershell.yaml', import.meta.url).pathname);
const service = await startService(
  {
    LATCHKEY_SERVICE_TOKENS: [
      SERVICE_TOKEN,
      `account-managers=${MANAGERS}:staff:keys+staff:addresses`,
      `key-desk=${KEYS_ALONE}:staff:keys`,
      `network-desk=${ADDRESSES_ALONE}:staff:addresses`,
      `${BILLING_ALONE}:billing:write`,
    ].join(','),
    LATCHKEY_STAFF_REQUESTS_PER_MINUTE: '1000',
    TRUST_PROXY: '1',
  },
  {
    product: {
      api_keys: { prefixes: ['sk_'], owners: ['organization', 'user'] },
      permission_sets: sets.map((set) => ({ ...set, staff: set.name === 'read_only' })),
    },
  },
);

const OK = [200, undefined];
const CREATED = [201, undefined];
const DENIED = [403, 'permission_denied'];
const NOT_FOUND = [404, 'api_key_not_found'];
const NO_ORGANIZATION = [404, 'organization_not_found'];
const INACTIVE = [423, 'billing_inactive'];

// These are the requests of docs/how-to/let-staff-act.md.
const pathOf = ({ id }: Pick<Organization, 'id'>, rest: string) => `/v1/organizations/${id}/${rest}`;
const LISTS = 'ip-allow-list';

type More = { token?: string; staffId?: string; body?: object; headers?: Record<string, string> };
/** Sends a request as staff for an organization. */
function act(
  method: string,
  acme: Pick<Organization, 'id'>,
  rest: string,
  { token = MANAGERS, staffId, ...more }: More = {},
): Promise<Answer> {
  const query = staffId === undefined ? '' : `?staff_id=${encodeURIComponent(staffId)}`;
  return call(service, method, pathOf(acme, rest) + query, { token, ...more });
}
const make = (acme: Pick<Organization, 'id'>, body: object = {}, more: More = {}) =>
  act('POST', acme, 'api-keys', { body: { label: 'root', permission_set: 'read_only', ...body }, ...more });
const revoke = (acme: Pick<Organization, 'id'>, id: unknown, more: More = {}) =>
  act('DELETE', acme, `api-keys/${String(id)}`, more);
const setList = (acme: Pick<Organization, 'id'>, list: readonly string[], more: More = {}) =>
  act('PUT', acme, LISTS, { body: { ip_allow_list: list }, ...more });
const codeOf = async (key: unknown) => (await verifyKey(service, { key })).body['code'];
const eventsOf = async (acme: Organization) =>
  (await call(service, 'GET', '/v1/audit-events', { token: await acme.session('owner') })).body.data;
const bill = (acme: Organization, body: object) =>
  call(service, 'PUT', pathOf(acme, 'billing'), { token: SERVICE_TOKEN, body });

describe('keys that staff make for an organization', () => {
  test('work, belong to the organization, and name the staff as their creator', async () => {
    const acme = await service.organizations.add();
    const made = await make(acme, {}, { staffId: 'anna@staff.example' });
    expect(outcome(made)).toEqual(CREATED);
    expect(made.body).toMatchObject({
      label: 'root',
      permission_set: 'read_only',
      owner: { type: 'organization', id: acme.id },
      created_by: { kind: 'staff', id: 'account-managers', name: null },
    });
    expect(await codeOf(made.body['value'])).toBe('valid');
    const seen = await call(service, 'GET', `/v1/api-keys/${String(made.body['id'])}`, { token: await acme.session() });
    expect(seen.body['created_by']).toMatchObject({ kind: 'staff', id: 'account-managers' });
  });

  test('are revoked by staff, and again with the same answer', async () => {
    const acme = await service.organizations.add();
    const { body: made } = await make(acme);
    for (let i = 0; i < 2; i++) {
      const revoked = await revoke(acme, made['id'], { staffId: 'anna' });
      expect([revoked.status, revoked.body]).toEqual([200, { status: 'revoked' }]);
      expect(await codeOf(made['value'])).toBe('revoked');
    }
    const events = (await eventsOf(acme)).filter(({ action }) => action === 'api_key.revoked');
    expect(events).toHaveLength(1);
  });

  test('are in the audit log of the customer under the staff, with the person where the service states one', async () => {
    const acme = await service.organizations.add();
    const { body: made } = await make(acme, {}, { staffId: 'anna@staff.example' });
    await revoke(acme, made['id']);
    const [revoked, created] = await eventsOf(acme);
    const actor = { kind: 'staff', id: 'account-managers', name: null };
    expect(created).toMatchObject({
      action: 'api_key.created',
      actor,
      target: { kind: 'api_key', id: made['id'] },
      details: { label: 'root', staff_id: 'anna@staff.example' },
    });
    expect(revoked).toMatchObject({ action: 'api_key.revoked', actor });
    expect(revoked?.['details']).not.toHaveProperty('staff_id');
    const found = await call(service, 'GET', '/v1/audit-events?actor_id=account-managers', {
      token: await acme.session(),
    });
    expect(found.body.data).toHaveLength(2);
    expect(JSON.stringify(found.body)).not.toContain(MANAGERS);
  });

  test('come once for one Idempotency-Key of one member of staff', async () => {
    const acme = await service.organizations.add();
    const globex = await service.organizations.add();
    const headers = { 'idempotency-key': 'ticket 4711' };
    const first = await make(acme, {}, { headers, staffId: 'anna' });
    const again = await make(acme, {}, { headers, staffId: 'anna' });
    expect(again.body).toEqual(first.body);
    for (const other of [
      await make(acme, {}, { headers, staffId: 'bert' }),
      await make(acme, {}, { headers, staffId: 'anna', token: KEYS_ALONE }),
      await make(globex, {}, { headers, staffId: 'anna' }),
    ])
      expect([other.status, other.body['id'] === first.body['id']]).toEqual([201, false]);
  });

  test('are refused beyond the sets that the product file allows to staff', async () => {
    const acme = await service.organizations.add();
    const refused = await make(acme, { permission_set: 'full_access' });
    expect(outcome(refused)).toEqual(DENIED);
    expect(refused.body.error.details).toEqual({ allowed: { permission_sets: ['read_only'] } });
    expect(outcome(await make(acme, { owner: 'user' }))).toEqual(DENIED);
    expect(await service.db('api_keys').where({ organization_id: acme.id })).toEqual([]);
  });

  test('obey the posture and the quota of the organization', async () => {
    const acme = await service.organizations.add();
    const { body: made } = await make(acme);
    await bill(acme, { status: 'active', key_limit: 1 });
    const full = await make(acme);
    expect([outcome(full), full.body.error.details]).toEqual([[409, 'key_limit_reached'], { limit: 1 }]);
    await bill(acme, { status: 'past_due', key_limit: 5 });
    expect(outcome(await make(acme))).toEqual(INACTIVE);
    expect(outcome(await setList(acme, ['192.0.2.7']))).toEqual(INACTIVE);
    expect(outcome(await act('GET', acme, 'api-keys'))).toEqual(OK);
    expect(outcome(await revoke(acme, made['id']))).toEqual(OK);
  });
});

describe('the keys that staff see', () => {
  test("are the organization's own of the sets for staff; others are neither listed nor revoked", async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session('owner');
    const mine = await createKey(service, owner);
    const wide = await createKey(service, owner, { permission_set: 'full_access' });
    const personal = await createKey(service, owner, { owner: 'user' });
    const { body: made } = await make(acme);
    const listed = await act('GET', acme, 'api-keys', { staffId: 'anna' });
    expect(listed.body.data.map(({ id }) => id)).toEqual([made['id'], mine.id]);
    expect(JSON.stringify(listed.body)).not.toContain(made['value']);
    for (const { id, value } of [wide, personal]) {
      expect(outcome(await revoke(acme, id))).toEqual(NOT_FOUND);
      expect(await codeOf(value)).toBe('valid');
    }
    expect(outcome(await revoke(acme, mine.id))).toEqual(OK);
  });

  test('are those of the organization in the path', async () => {
    const [acme, globex] = [await service.organizations.add(), await service.organizations.add()];
    const { body: made } = await make(acme);
    expect((await act('GET', globex, 'api-keys')).body.data).toEqual([]);
    expect(outcome(await revoke(globex, made['id']))).toEqual(NOT_FOUND);
    expect(outcome(await make(globex, { organization_id: acme.id }))).toEqual(DENIED);
    const page = await call(service, 'GET', pathOf(globex, `api-keys?after=${String(made['id'])}`), {
      token: MANAGERS,
    });
    expect(outcome(page)).toEqual([400, 'validation_error']);
    expect(await codeOf(made['value'])).toBe('valid');
  });
});

describe('the IP allow list that staff set', () => {
  test('binds the organization, need not hold the address of staff, and is in its audit log', async () => {
    const acme = await service.organizations.add();
    const { body: made } = await make(acme);
    const put = await setList(acme, ['192.0.2.7', '::ffff:192.0.2.8'], { staffId: 'anna' });
    expect([put.status, put.body]).toEqual([200, { ip_allow_list: ['192.0.2.7', '192.0.2.8'] }]);
    expect((await act('GET', acme, LISTS)).body).toEqual(put.body);
    expect(await codeOf(made['value'])).toBe('ip_not_allowed');
    const inside = { token: await acme.session('owner'), headers: { 'x-forwarded-for': '192.0.2.7' } };
    expect(outcome(await call(service, 'GET', '/v1/me/session', { token: inside.token }))).toEqual([
      403,
      'ip_not_allowed',
    ]);
    const [event] = (await call(service, 'GET', '/v1/audit-events', inside)).body.data;
    expect(event).toMatchObject({
      action: 'organization.ip_allow_list_changed',
      actor: { kind: 'staff', id: 'account-managers' },
      details: { ip_allow_list: ['192.0.2.7', '192.0.2.8'], staff_id: 'anna' },
    });
  });

  test.each([['not an address'], ['192.0.2.7/64']])('refuses %s', async (range) => {
    expect(outcome(await setList(await service.organizations.add(), [range]))).toEqual([400, 'validation_error']);
  });
});

/** Every route of staff, by the scope that it needs. */
const ROUTES: readonly [scope: string, send: (acme: Organization, token: string) => Promise<Answer>][] = [
  ['staff:keys', (acme, token) => make(acme, {}, { token })],
  ['staff:keys', (acme, token) => act('GET', acme, 'api-keys', { token })],
  ['staff:keys', (acme, token) => revoke(acme, 'key_none', { token })],
  ['staff:addresses', (acme, token) => act('GET', acme, LISTS, { token })],
  ['staff:addresses', (acme, token) => setList(acme, [], { token })],
];

describe('access of staff', () => {
  test.each(ROUTES)('a route that needs %s is refused to all without it', async (scope, send) => {
    const acme = await service.organizations.add();
    const own = await createKey(service, await acme.session('owner'), { permission_set: 'full_access' });
    const others = [
      SERVICE_TOKEN,
      BILLING_ALONE,
      scope === 'staff:keys' ? ADDRESSES_ALONE : KEYS_ALONE,
      await acme.session('owner', { permissions: ['apikeys:write', 'staff:keys', 'staff:addresses'] }),
      await acme.machineToken('apikeys:write staff:keys staff:addresses'),
      own.value,
    ];
    for (const token of others) expect(outcome(await send(acme, token))).toEqual(DENIED);
    expect(outcome(await send(acme, `${MANAGERS}x`))).toEqual([401, 'credential_invalid']);
    expect(await eventsOf(acme)).toHaveLength(1);
  });

  test('no token acts in an organization that is unknown or deleted, or by an id that is none', async () => {
    const gone = await service.organizations.add();
    await service.db('tenants').where({ organization_id: gone.id }).update({ deleted_at: service.clock() });
    for (const acme of [gone, await service.organizations.add(null), { ...gone, id: 'acme' }])
      for (const [, send] of ROUTES) expect(outcome(await send(acme, MANAGERS))).toEqual(NO_ORGANIZATION);
  });

  test('a token for staff gets 403 on the routes of organizations and of services', async () => {
    const acme = await service.organizations.add();
    for (const [method, path] of [
      ['GET', '/v1/api-keys'],
      ['GET', `/v1/audit-events?organization_id=${acme.id}`],
      ['PUT', '/v1/organization/ip-allow-list'],
      ['GET', `/v1/organizations/${acme.id}`],
      ['PUT', pathOf(acme, 'billing')],
    ] as const)
      expect(outcome(await call(service, method, path, { token: MANAGERS, body: undefined }))).toEqual(DENIED);
  });

  test.each(['', 'anna b', 'x'.repeat(129), 'ann\u00e4'])('no staff_id is %j', async (staffId) => {
    const acme = await service.organizations.add();
    expect(outcome(await make(acme, {}, { staffId }))).toEqual([400, 'validation_error']);
    expect(outcome(await revoke(acme, 'key_none', { staffId }))).toEqual([400, 'validation_error']);
  });

  test('requests beyond the rate of the token wait, whatever organizations they name', async () => {
    const busy = await startService({
      LATCHKEY_SERVICE_TOKENS: `a=${MANAGERS}:staff:addresses,b=${KEYS_ALONE}:staff:addresses`,
      LATCHKEY_STAFF_REQUESTS_PER_MINUTE: '3',
    });
    const ask = async (token: string) => {
      const acme = await busy.organizations.add();
      return call(busy, 'GET', pathOf(acme, LISTS), { token });
    };
    for (let i = 0; i < 3; i++) expect(outcome(await ask(MANAGERS))).toEqual(OK);
    const refused = await ask(MANAGERS);
    expect(outcome(refused)).toEqual([429, 'rate_limited']);
    expect(refused.body.error.details).toMatchObject({ limit: 3, window_seconds: 60 });
    expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(outcome(await ask(KEYS_ALONE))).toEqual(OK);
  });
});

test.each([
  ['a staff scope without a name', `${MANAGERS}:staff:keys`],
  ['a name without a staff scope', `account-managers=${MANAGERS}`],
  ['a name with other letters', `Account Managers=${MANAGERS}:staff:keys`],
])('refuses to start for %s, without repeating the token', (_what, entry) => {
  const start = () => readConfig({ LATCHKEY_SERVICE_TOKENS: entry });
  expect(start).toThrow(/LATCHKEY_SERVICE_TOKENS.0: needs /);
  expect(start).not.toThrow(MANAGERS);
});
