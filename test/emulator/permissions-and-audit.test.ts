import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Emulator } from '../../src/emulator/emulator.ts';
import { call, sdk, startDemo } from './harness.ts';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startDemo();
});
afterAll(() => emulator.close());

const createPermission = (body: object) => call(emulator, 'POST', '/authorization/permissions', { body });

const record = (body: object, key?: string) =>
  call(emulator, 'POST', '/audit_logs/events', { body, ...(key && { headers: { 'idempotency-key': key } }) });

const listMemberships = (query: string) => call(emulator, 'GET', `/user_management/organization_memberships?${query}`);

describe('permissions', () => {
  it('of the demo are listed', async () => {
    const { body } = await call(emulator, 'GET', '/authorization/permissions?limit=100&order=asc');
    expect(body.data.map(({ slug }: { slug: string }) => slug)).toEqual([
      'workspace:read',
      'workspace:write',
      'workspace:write:own',
      'apikeys:read',
      'apikeys:write',
      'audit:read',
      'billing:write',
      'caps:write',
      'members:write',
      'tasks:write',
      'tasks:write:own',
    ]);
  });

  it('are created once', async () => {
    const permission = { slug: 'memory.read', name: 'Read memory', description: 'See what is remembered.' };
    expect(await createPermission(permission)).toMatchObject({ status: 201, body: { ...permission, system: false } });
    expect(await createPermission(permission)).toMatchObject({
      status: 409,
      body: { code: 'permission_slug_conflict' },
    });
  });

  it('with an invalid slug or name are refused with 422', async () => {
    for (const body of [
      { slug: 'Upper', name: 'x' },
      { slug: 'x'.repeat(49), name: 'x' },
      { slug: 'ok', name: '' },
      {},
    ]) {
      expect(await createPermission(body)).toMatchObject({ status: 422 });
    }
  });
});

describe('audit events', () => {
  beforeAll(() => emulator.behave({ audit_schemas: 'ignored' }));

  const event = {
    action: 'api_key.created',
    occurred_at: '2026-06-01T10:00:00.000Z',
    actor: { id: 'user_1', type: 'user', metadata: { role: 'owner' } },
    targets: [{ id: 'key_1', type: 'api_key' }],
    context: { location: '192.0.2.1' },
    metadata: { label: 'CI' },
  };
  it('are stored as sent, once for each idempotency key', async () => {
    const body = { organization_id: 'org_acme', event };
    expect(await record(body, 'audit-1')).toMatchObject({ status: 200, body: { success: true } });
    expect(await record(body, 'audit-1')).toMatchObject({ status: 200 });
    await record(body, 'audit-2');
    expect(emulator.auditEvents()).toMatchObject([
      { organization_id: 'org_acme', idempotency_key: 'audit-1', event },
      { organization_id: 'org_acme', idempotency_key: 'audit-2', event },
    ]);
    const { body: kept } = await call(emulator, 'GET', '/_emulator/audit_events?organization_id=org_globex');
    expect(kept.data).toEqual([]);
  });

  it('are refused with 400 and the path of the wrong field', async () => {
    const refused = await record({ organization_id: 'org_acme', event: { ...event, actor: { type: 'user' } } });
    expect(refused).toMatchObject({
      status: 400,
      body: { code: 'invalid_audit_log_event', errors: [{ instancePath: '/actor/id' }] },
    });
    expect(await record({ event })).toMatchObject({ status: 422 });
    expect(await record({ organization_id: 'org_nowhere', event })).toMatchObject({ status: 404 });
  });

  it('are accepted from the official SDK', async () => {
    await sdk(emulator).auditLogs.createEvent('org_initech', {
      action: 'api_key.revoked',
      occurredAt: new Date('2026-06-01T10:00:00.000Z'),
      actor: { id: 'user_1', type: 'user' },
      targets: [{ id: 'key_1', type: 'api_key' }],
      context: { location: '192.0.2.1', userAgent: 'test' },
    });
    expect(emulator.auditEvents().at(-1)).toMatchObject({
      organization_id: 'org_initech',
      event: { action: 'api_key.revoked', context: { user_agent: 'test' } },
    });
  });
});

describe('people and memberships', () => {
  it('are read by id, by person and by organization', async () => {
    expect((await call(emulator, 'GET', '/user_management/users/user_acme_member')).body).toMatchObject({
      email: 'member@acme.test',
      name: 'Member Acme',
    });
    expect(await call(emulator, 'GET', '/user_management/users/user_x')).toMatchObject({ status: 404 });
    expect((await listMemberships('user_id=user_acme_member')).body.data).toMatchObject([
      { organization_id: 'org_acme', role: { slug: 'member' }, user: { email: 'member@acme.test' } },
    ]);
    expect(
      (await listMemberships('organization_id=org_acme&order=asc')).body.data.map(({ id }: { id: string }) => id),
    ).toEqual(['om_acme_owner', 'om_acme_operator', 'om_acme_member']);
  });

  it('are listed if active, unless the request names other statuses', async () => {
    await call(emulator, 'PUT', '/user_management/organization_memberships/om_hooli_member/deactivate');
    expect((await listMemberships('user_id=user_hooli_member')).body.data).toEqual([]);
    expect((await listMemberships('user_id=user_hooli_member&statuses=inactive,pending')).body.data).toHaveLength(1);
    expect(await listMemberships('user_id=user_hooli_member&statuses=gone')).toMatchObject({ status: 422 });
  });

  it('are not listed without a person or organization: 400', async () => {
    expect(await listMemberships('')).toMatchObject({
      status: 400,
      body: { code: 'missing_user_id_or_organization_id' },
    });
  });

  it('work through the official SDK', async () => {
    const { data } = await sdk(emulator).userManagement.listOrganizationMemberships({
      organizationId: 'org_globex',
      userId: 'user_globex_owner',
    });
    expect(data).toMatchObject([{ id: 'om_globex_owner', role: { slug: 'owner' } }]);
  });
});
