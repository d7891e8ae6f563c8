import { describe, expect, test } from 'vitest';
import { call, createKey, outcome } from '../support/api.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';

const service = await startService();

type Event = Readonly<Record<string, unknown>> & { id: string; sequence: number; action: string };

const events = async (token: string, query = '') => {
  const answer = await call(service, 'GET', `/v1/audit-events${query}`, { token });
  expect(outcome(answer)).toEqual([200, undefined]);
  const { data, list_metadata: cursors } = answer.body;
  return { data: data as Event[], cursors };
};
const sequences = ({ data }: { data: Event[] }) => data.map(({ sequence }) => sequence);
const idOf = (headers: Headers) => headers.get('x-request-id');

describe('GET /v1/audit-events', () => {
  test('records one event for each change of state, with actor, target, request and address', async () => {
    const acme = await service.organizations.add(null);
    const [owner, runner] = [await acme.session('owner'), await acme.machineToken('apikeys:write')];
    const billing = await call(service, 'PUT', `/v1/organizations/${acme.id}/billing`, {
      token: SERVICE_TOKEN,
      body: { status: 'active' },
    });
    const body = { label: 'CI', permission_set: 'read_only', expires_at: '2999-01-01T00:00:00Z' };
    const created = await call(service, 'POST', '/v1/api-keys', { token: owner, body });
    const path = `/v1/api-keys/${String(created.body['id'])}`;
    const updated = await call(service, 'PATCH', path, { token: runner, body: { label: 'CI 2', metadata: {} } });
    const revoked = await call(service, 'DELETE', path, { token: owner });
    const common = { id: expect.stringMatching(/^audit_\w{26}$/), occurred_at: expect.any(String), ip: '127.0.0.1' };
    const target = { kind: 'api_key', id: created.body['id'] };
    const person = { kind: 'user', id: acme.userId('owner'), name: null };
    expect((await events(owner)).data).toEqual([
      {
        ...common,
        sequence: 4,
        action: 'api_key.revoked',
        actor: person,
        target,
        request_id: idOf(revoked.headers),
        details: { label: 'CI 2' },
      },
      {
        ...common,
        sequence: 3,
        action: 'api_key.updated',
        actor: { kind: 'machine', id: acme.machineClientId, name: null },
        target,
        request_id: idOf(updated.headers),
        details: { changed: ['label', 'metadata'] },
      },
      {
        ...common,
        sequence: 2,
        action: 'api_key.created',
        actor: person,
        target,
        request_id: idOf(created.headers),
        details: expect.objectContaining({
          label: 'CI',
          permission_set: 'read_only',
          expires_at: '2999-01-01T00:00:00.000Z',
        }),
      },
      {
        ...common,
        sequence: 1,
        action: 'organization.billing_changed',
        actor: { kind: 'service', id: expect.stringMatching(/^service_[0-9a-f]{12}$/), name: null },
        target: { kind: 'organization', id: acme.id },
        request_id: idOf(billing.headers),
        details: { before: null, after: { status: 'active', trial_ends_at: null, plan: null } },
      },
    ]);
  });

  test('records nothing for reads, refusals and repetitions', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session('owner');
    const key = await createKey(service, owner);
    const path = `/v1/api-keys/${key.id}`;
    await call(service, 'DELETE', path, { token: owner });
    const before = (await events(owner)).data.length;
    await call(service, 'DELETE', path, { token: owner });
    await call(service, 'GET', path, { token: owner });
    await call(service, 'GET', '/v1/me/session', { token: owner });
    await call(service, 'POST', '/v1/api-keys', { token: owner, body: { label: '' } });
    await call(service, 'PATCH', path, { token: await acme.session('member'), body: { label: 'x' } });
    service.workos.faults.add({ kind: 'status', status: 422, method: 'POST', path: '/organizations/:id/api_keys' });
    await call(service, 'POST', '/v1/api-keys', { token: owner, body: { label: 'a', permission_set: 'read_only' } });
    expect((await events(owner)).data).toHaveLength(before);
  });

  test('numbers concurrent events without a gap', async () => {
    const acme = await service.organizations.add({ status: 'active', plan: 'scale' });
    const owner = await acme.session();
    await Promise.all(Array.from({ length: 20 }, () => createKey(service, owner)));
    const { data } = await events(owner, '?limit=100');
    expect(data.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 20 }, (_, i) => 20 - i));
    expect(new Set(data.map(({ id }) => id)).size).toBe(20);
  });

  test('pages to the oldest and back without a gap or a repeat', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    for (let i = 0; i < 5; i++) await createKey(service, owner);
    const newest = await events(owner, '?limit=2');
    expect(sequences(newest)).toEqual([5, 4]);
    expect(newest.cursors.before).toBeNull();
    const middle = await events(owner, `?limit=2&after=${newest.cursors.after}`);
    expect(sequences(middle)).toEqual([3, 2]);
    const oldest = await events(owner, `?limit=2&after=${middle.cursors.after}`);
    expect(sequences(oldest)).toEqual([1]);
    expect(oldest.cursors.after).toBeNull();
    expect(await events(owner, `?limit=2&before=${middle.cursors.before}`)).toEqual(newest);
  });

  test('filters by action, target and actor, also while it pages', async () => {
    const acme = await service.organizations.add();
    const [owner, runner] = [await acme.session('owner'), await acme.machineToken()];
    const [first, second] = [await createKey(service, owner), await createKey(service, runner)];
    await call(service, 'DELETE', `/v1/api-keys/${first.id}`, { token: runner });
    await call(service, 'DELETE', `/v1/api-keys/${second.id}`, { token: runner });
    const found = async (query: string) => (await events(owner, query)).data.map(({ sequence }) => sequence);
    expect(await found('?action=api_key.revoked')).toEqual([4, 3]);
    expect(await found(`?target_id=${first.id}`)).toEqual([3, 1]);
    expect(await found(`?actor_id=${acme.machineClientId}`)).toEqual([4, 3, 2]);
    expect(await found(`?actor_id=${acme.machineClientId}&action=api_key.created`)).toEqual([2]);
    expect(await found('?target_id=api_key_never_made')).toEqual([]);
    const page = await events(owner, `?actor_id=${acme.machineClientId}&limit=2`);
    expect(await found(`?actor_id=${acme.machineClientId}&limit=2&after=${page.cursors.after}`)).toEqual([2]);
  });

  test('filters by several actions, also while it pages in both directions', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    const [first, second] = [await createKey(service, owner), await createKey(service, owner)];
    await call(service, 'PATCH', `/v1/api-keys/${first.id}`, { token: owner, body: { label: 'b' } });
    for (const { id } of [first, second]) await call(service, 'DELETE', `/v1/api-keys/${id}`, { token: owner });
    const ended = '?action=api_key.revoked,api_key.updated,api_key.revoked';
    expect(sequences(await events(owner, ended))).toEqual([5, 4, 3]);
    const newest = await events(owner, `${ended}&limit=2`);
    expect(sequences(newest)).toEqual([5, 4]);
    const oldest = await events(owner, `${ended}&limit=2&after=${newest.cursors.after}`);
    expect([sequences(oldest), oldest.cursors.after]).toEqual([[3], null]);
    expect(sequences(await events(owner, `${ended}&limit=2&before=${oldest.cursors.before}`))).toEqual([5, 4]);
    expect(sequences(await events(owner, `${ended}&target_id=${second.id}`))).toEqual([5]);
    expect(sequences(await events(owner, `${ended}&actor_id=nobody`))).toEqual([]);
  });

  test('filters by time, from the first instant up to, not including, the last', async () => {
    const acme = await service.organizations.add();
    const owner = () => acme.session();
    for (let i = 0; i < 4; i++) {
      await createKey(service, await owner());
      service.clock.advance(3_600_000);
    }
    const all = (await events(await owner())).data;
    const at = (sequence: number) => String(all.find((one) => one.sequence === sequence)?.['occurred_at']);
    const found = async (query: string) => sequences(await events(await owner(), query));
    expect(await found(`?from=${at(2)}`)).toEqual([4, 3, 2]);
    expect(await found(`?to=${at(2)}`)).toEqual([1]);
    expect(await found(`?from=${at(2)}&to=${at(4)}`)).toEqual([3, 2]);
    expect(await found(`?from=${at(1)}&action=api_key.created,api_key.revoked&limit=2`)).toEqual([4, 3]);
    expect(await found('?from=2999-01-01T00:00:00Z')).toEqual([]);
    expect(await found('?to=2000-01-01T00:00:00%2B02:00')).toEqual([]);
  });

  test('finds by time what replicas recorded whose clocks differ by minutes', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session('owner', { exp: 4_000_000_000 });
    for (const minutes of [0, 9, -9, 0]) {
      service.clock.advance(minutes * 60_000);
      await createKey(service, owner);
    }
    const all = (await events(owner)).data;
    const late = String(all.find(({ sequence }) => sequence === 2)?.['occurred_at']);
    expect(sequences(await events(owner, `?from=${late}`))).toEqual([2]);
    expect(sequences(await events(owner, `?to=${late}`))).toEqual([4, 3, 1]);
  });

  test.each([
    ['?action=', 'action'],
    ['?action=api_key.created,', 'action'],
    ['?action=api_key.created&action=api_key.revoked', 'action'],
    ['?from=yesterday', 'from'],
    ['?to=2026-11-22', 'to'],
    ['?from=2026-11-22T00:00:00Z&to=2026-11-22T00:00:00Z', 'from'],
    ['?action=api_key.stolen', 'action'],
    ['?target_id=', 'target_id'],
    ['?target_id=%00', 'target_id'],
    [`?actor_id=${'x'.repeat(255)}`, 'actor_id'],
    ['?limit=0', 'limit'],
    ['?after=audit_made_up', 'after'],
    ['?sequence=1', 'sequence'],
  ])('refuses %s with 400 on that field', async (query, field) => {
    const acme = await service.organizations.add();
    const answer = await call(service, 'GET', `/v1/audit-events${query}`, { token: await acme.session() });
    expect(outcome(answer)).toEqual([400, 'validation_error']);
    expect(Object.keys(answer.body.error.details?.['fields'] as object)).toEqual([field]);
  });

  test('requires audit:read from users, machine tokens and keys', async () => {
    const acme = await service.organizations.add();
    const key = await createKey(service, await acme.session(), { permission_set: 'read_only' });
    const get = async (token: string) => outcome(await call(service, 'GET', '/v1/audit-events', { token }));
    for (const token of [await acme.session('operator'), await acme.machineToken('audit:read'), key.value]) {
      expect(await get(token)).toEqual([200, undefined]);
    }
    for (const token of [await acme.session('member'), await acme.machineToken('apikeys:write')]) {
      expect(await get(token)).toEqual([403, 'permission_denied']);
    }
  });

  test('shows no event of another organization', async () => {
    const [acme, other] = [await service.organizations.add(), await service.organizations.add()];
    await createKey(service, await other.session());
    expect((await events(await acme.session())).data).toEqual([]);
  });

  test('records the address of an untrusted proxy, not the one that it sends', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    const headers = { 'x-forwarded-for': '203.0.113.9', forwarded: 'for=203.0.113.9' };
    const body = { label: 'a', permission_set: 'read_only' };
    await call(service, 'POST', '/v1/api-keys', { token: owner, headers, body });
    expect((await events(owner)).data[0]?.['ip']).toBe('127.0.0.1');
  });
});
