import { beforeAll, describe, expect, inject, test } from 'vitest';
import { call, createKey } from '../support/api.ts';
import { makeDashboardKey } from '../support/at-workos.ts';
import { startService } from '../support/service.ts';

// The whole service, on connections that may do what the migrations grant to the application's role and no more.
const service = await startService();
const { db } = service;

beforeAll(async () => {
  if (inject('template').kind === 'embedded') {
    // It has one connection, for as long as it lives.
    await db.raw('set role latchkey_app');
    return;
  }
  const { rows } = await db.raw<{ rows: { name: string }[] }>('select current_database() as name');
  await db.raw('alter database ?? set role to latchkey_app', [rows[0]!.name]);
  // Connections from before keep their role.
  await db.destroy();
  db.initialize();
});

const LOOPS = ['settle', 'events', 'sweep_idempotency_keys', 'keep_usage_partitions', 'flush_usage'];

test('connects with the application role', async () => {
  const { rows } = await db.raw<{ rows: object[] }>(
    `select current_user as name, (select rolsuper from pg_roles where rolname = current_user) as super`,
  );
  expect(rows).toEqual([{ name: 'latchkey_app', super: false }]);
});

test('can do everything that the service does', async () => {
  const acme = await service.organizations.add();
  const owner = await acme.session();
  const created = await call(service, 'POST', '/v1/api-keys', {
    token: owner,
    headers: { 'idempotency-key': 'once' },
    body: { label: 'a key', permission_set: 'read_only' },
  });
  expect(created.status).toBe(201);
  const key = await createKey(service, owner);
  const rotated = await call(service, 'POST', `/v1/api-keys/${key.id}/rotate`, { token: owner, body: {} });
  expect(rotated.status).toBe(201);
  const id = String(created.body['id']);
  expect((await call(service, 'PATCH', `/v1/api-keys/${id}`, { token: owner, body: { label: 'x' } })).status).toBe(200);
  expect((await call(service, 'DELETE', `/v1/api-keys/${id}`, { token: owner })).status).toBe(200);
  const dashboard = await makeDashboardKey(service, acme.id);
  expect((await call(service, 'GET', '/v1/me/session', { token: dashboard.value })).status).toBe(200);
  for (const loop of LOOPS) await service.background.runOnce(loop);
  const usage = await call(service, 'GET', '/v1/organization/usage', { token: owner });
  expect(usage.body).toMatchObject({ codes: { valid: 1 }, keys: [{ last_used_at: expect.any(String) }] });
  const { data } = (await call(service, 'GET', '/v1/audit-events', { token: owner })).body;
  expect(data.length).toBeGreaterThanOrEqual(5);
});

describe('audit events cannot be', () => {
  test.each([
    ['changed', `update audit_events set actor_id = 'nobody'`],
    ['deleted', 'delete from audit_events'],
    ['truncated', 'truncate audit_events'],
    ['made changeable', 'alter table audit_events disable trigger user'],
    ['dropped', 'drop table audit_events'],
  ])('%s', async (_what, sql) => {
    const before = await db('audit_events').count();
    await expect(db.raw(sql)).rejects.toMatchObject({ code: '42501' });
    expect(await db('audit_events').count()).toEqual(before);
  });
});
