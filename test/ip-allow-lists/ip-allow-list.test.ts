import { describe, expect, test } from 'vitest';
import { call, createKey, outcome } from '../support/api.ts';
import type { Answer } from '../support/api.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';

const service = await startService({ TRUST_PROXY: '1' });

const OK = [200, undefined];
const NOT_HERE = [403, 'ip_not_allowed'];
const INSIDE = '192.0.2.7';
const OUTSIDE = '198.51.100.1';
const LIST = '/v1/organization/ip-allow-list';

const from = (ip: string, method: string, path: string, token: string, body?: object): Promise<Answer> =>
  call(service, method, path, { token, headers: { 'x-forwarded-for': ip }, ...(body && { body }) });
const me = async (ip: string, token: string) => outcome(await from(ip, 'GET', '/v1/me/session', token));
const put = (token: string, list: unknown, { ip = INSIDE, ...more }: { ip?: string; force?: boolean } = {}) =>
  from(ip, 'PUT', LIST, token, { ip_allow_list: list, ...more });

describe('a tenant route', () => {
  test('allows every address without a list', async () => {
    const acme = await service.organizations.add();
    expect((await from(OUTSIDE, 'GET', LIST, await acme.session('owner'))).body).toEqual({ ip_allow_list: [] });
    expect(await me('2001:db8::1', await acme.session('owner'))).toEqual(OK);
  });

  test('returns 403 ip_not_allowed with the address, before any other refusal', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session('owner');
    await put(owner, [INSIDE]);
    const { body, status } = await from(OUTSIDE, 'POST', '/v1/api-keys?organization_id=org_other', owner, {
      rubbish: 1,
    });
    expect([status, body.error.code, body.error.details]).toEqual([403, 'ip_not_allowed', { address: OUTSIDE }]);
  });

  test('reads the list from the database while invalidations are not received', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session('owner');
    expect(await me(OUTSIDE, owner)).toEqual(OK);
    // As another replica would, while this one does not hear of it.
    await service
      .db('tenants')
      .where({ organization_id: acme.id })
      .update({ ip_allow_list: [INSIDE] });
    expect(await me(OUTSIDE, owner)).toEqual(OK);
    service.trust.onLost();
    try {
      expect(await me(OUTSIDE, owner)).toEqual(NOT_HERE);
      await service.db('tenants').where({ organization_id: acme.id }).update({ ip_allow_list: [] });
      expect(await me(OUTSIDE, owner)).toEqual(OK);
    } finally {
      service.trust.onOpen();
    }
  });
});

describe('PUT /v1/organization/ip-allow-list', () => {
  test('applies a new list to users, machines and keys at once, and to no other organization or service', async () => {
    const [acme, other] = [await service.organizations.add(), await service.organizations.add()];
    const owner = await acme.session('owner');
    const key = await createKey(service, owner);
    const callers = [owner, await acme.machineToken('apikeys:read'), key.value];
    for (const token of callers) expect(await me(OUTSIDE, token)).toEqual(OK);
    const answer = await put(owner, ['::FFFF:192.0.2.7/120', '2001:DB8::1', '192.0.2.0/24']);
    expect([answer.status, answer.body]).toEqual([200, { ip_allow_list: ['192.0.2.0/24', '2001:db8::1'] }]);
    for (const token of callers) {
      for (const ip of [INSIDE, `::ffff:${INSIDE}`, '2001:db8:0:0::1']) expect(await me(ip, token)).toEqual(OK);
      for (const ip of [OUTSIDE, '2001:db8::2', 'unknown', '']) expect(await me(ip, token)).toEqual(NOT_HERE);
    }
    expect(await me(OUTSIDE, await other.session('owner'))).toEqual(OK);
    const organization = `/v1/organizations/${acme.id}`;
    expect((await from(OUTSIDE, 'GET', organization, SERVICE_TOKEN)).status).toBe(200);
    const wound = await from(OUTSIDE, 'PUT', `${organization}/billing`, SERVICE_TOKEN, { status: 'past_due' });
    expect(wound.status).toBe(200);
  });

  test("refuses a list without the caller's address unless force is true", async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session('owner');
    const refused = await put(owner, ['203.0.113.0/24']);
    expect(outcome(refused)).toEqual([400, 'validation_error']);
    expect(refused.body.error.details).toEqual({ fields: { ip_allow_list: expect.stringContaining(INSIDE) } });
    expect((await from(OUTSIDE, 'GET', LIST, owner)).body).toEqual({ ip_allow_list: [] });
    expect((await put(owner, ['203.0.113.0/24'], { force: true })).status).toBe(200);
    expect(await me(INSIDE, owner)).toEqual(NOT_HERE);
    expect((await put(owner, [], { ip: '203.0.113.5' })).status).toBe(200);
    expect(await me(INSIDE, owner)).toEqual(OK);
  });

  test('records a change in the audit log', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session('owner');
    await put(owner, [INSIDE], { force: true });
    const { body } = await from(INSIDE, 'GET', '/v1/audit-events?action=organization.ip_allow_list_changed', owner);
    expect(body.data).toMatchObject([
      {
        actor: { kind: 'user', id: acme.userId('owner') },
        target: { kind: 'organization', id: acme.id },
        ip: INSIDE,
        details: { ip_allow_list: [INSIDE], forced: true },
      },
    ]);
  });
});

describe('PUT /v1/organization/ip-allow-list and POST /v1/api-keys', () => {
  test.each([
    [
      ['192.0.2.0/24', 'home', '192.0.2.0/33'],
      ['ip_allow_list.1', 'ip_allow_list.2'],
    ],
    [Array.from({ length: 101 }, (_, i) => `10.0.0.${i}`), ['ip_allow_list']],
    ['192.0.2.7', ['ip_allow_list']],
    [[7], ['ip_allow_list.0']],
    [['fe80::1%eth0'], ['ip_allow_list.0']],
    [['0'.repeat(1_000)], ['ip_allow_list.0']],
  ])('returns 400 for %j, naming the bad entries', async (list, fields) => {
    const acme = await service.organizations.add();
    for (const [method, path, more] of [
      ['PUT', LIST, {}],
      ['POST', '/v1/api-keys', { label: 'a', permission_set: 'read_only' }],
    ] as const) {
      const { status, body } = await from(INSIDE, method, path, await acme.session('owner'), {
        ...more,
        ip_allow_list: list,
      });
      expect([status, Object.keys(body.error.details?.['fields'] ?? {})]).toEqual([400, fields]);
    }
  });
});

describe('GET and PUT /v1/organization/ip-allow-list', () => {
  test('lets callers with a key scope read and set the list, but no key', async () => {
    const acme = await service.organizations.add();
    const key = await createKey(service, await acme.session('owner'));
    const denied = [403, 'permission_denied'];
    for (const token of [await acme.session('member'), await acme.machineToken(''), key.value, SERVICE_TOKEN]) {
      expect(outcome(await from(INSIDE, 'GET', LIST, token))).toEqual(denied);
      expect(outcome(await put(token, []))).toEqual(denied);
    }
    expect(outcome(await put(await acme.machineToken('apikeys:write'), [INSIDE]))).toEqual(OK);
  });
});

describe('POST /v1/api-keys with ip_allow_list', () => {
  test("applies a key's own list in addition, and passes it on by rotation", async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session('owner');
    const created = await from(INSIDE, 'POST', '/v1/api-keys', owner, {
      label: 'bound',
      permission_set: 'read_only',
      ip_allow_list: ['192.0.2.9/25', '192.0.2.9/25', '198.51.100.1'],
    });
    const { id, value } = created.body as unknown as { id: string; value: string };
    expect(created.body).toMatchObject({ ip_allow_list: ['192.0.2.0/25', '198.51.100.1'] });
    expect([await me(INSIDE, value), await me(OUTSIDE, value), await me('192.0.2.200', value)]).toEqual([
      OK,
      OK,
      NOT_HERE,
    ]);
    await put(owner, ['192.0.2.0/24']);
    expect([await me(INSIDE, value), await me(OUTSIDE, value), await me('192.0.2.200', value)]).toEqual([
      OK,
      NOT_HERE,
      NOT_HERE,
    ]);
    const rotated = await from(INSIDE, 'POST', `/v1/api-keys/${id}/rotate`, owner, { grace_seconds: 60 });
    expect(rotated.body).toMatchObject({ ip_allow_list: ['192.0.2.0/25', '198.51.100.1'] });
    const changed = await from(INSIDE, 'PATCH', `/v1/api-keys/${id}`, owner, { ip_allow_list: null });
    expect(changed.body).toMatchObject({ ip_allow_list: [] });
    expect(await me('192.0.2.200', value)).toEqual(OK);
    const { body } = await from(INSIDE, 'GET', `/v1/audit-events?target_id=${id}&action=api_key.updated`, owner);
    expect(body.data).toMatchObject([{ details: { changed: ['ip_allow_list'], ip_allow_list: [] } }]);
  });
});

describe('GET /v1/outbound-addresses', () => {
  test('answers without a credential, and may be cached', async () => {
    const outbound_addresses = [{ address: '2001:DB8::1/32', description: 'webhooks' }];
    const product = await startService({}, { product: { outbound_addresses } });
    const { status, body, headers } = await call(product, 'GET', '/v1/outbound-addresses');
    expect([status, body]).toEqual([200, { data: [{ address: '2001:db8::/32', description: 'webhooks' }] }]);
    expect(headers.get('cache-control')).toBe('public, max-age=300');
    expect((await call(service, 'GET', '/v1/outbound-addresses')).body).toEqual({ data: [] });
  });
});
