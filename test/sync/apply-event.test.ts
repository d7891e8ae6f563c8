import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  aKey,
  anOrganization,
  auditOf,
  keyEvent,
  minute,
  organizationEvent,
  rowsOf,
  startMirror,
  tenantOf,
} from '../support/mirror.ts';

const DAY_MS = 24 * 60 * 60 * 1_000;
const mirror = await startMirror({ status: 'trial', trial_days: 14 });
const { db, apply, marker } = mirror;
const actionsOf = async (organizationId: string) => (await auditOf(db, organizationId)).map(({ action }) => action);

describe('a key made at WorkOS', () => {
  test('is mirrored with its permission set, its times and who made it', async () => {
    const key = aKey({ permissions: ['audit:read', 'workspace:read'], expiresAt: minute(9_000) });
    expect(await apply(keyEvent('api_key.created', key, 'user_admin'))).toBe('applied');
    const [row, ...others] = await rowsOf(db, key.organizationId);
    expect(others).toEqual([]);
    expect(row).toMatchObject({
      workos_id: key.id,
      origin: 'workos',
      status: 'active',
      label: 'made in the dashboard',
      description: null,
      metadata: {},
      permission_set: 'read_only',
      scopes: ['audit:read', 'workspace:read'],
      prefix: 'sk_...abcd',
      secret_hash: null,
      expires_at: minute(9_000),
      created_by_kind: 'workos',
      created_by_id: 'workos',
      created_at: minute(0),
      workos_expires_at: minute(9_000),
      workos_updated_at: minute(0),
      due_at: null,
    });
    expect(await auditOf(db, key.organizationId)).toMatchObject([
      {
        action: 'api_key.created',
        actor_kind: 'workos',
        actor_id: 'user_admin',
        target_id: key.id,
        details: {
          label: 'made in the dashboard',
          permission_set: 'read_only',
          scopes: ['audit:read', 'workspace:read'],
          expires_at: minute(9_000).toISOString(),
        },
      },
    ]);
    expect(await tenantOf(db, key.organizationId)).toMatchObject({ billing_status: null, deleted_at: null });
  });

  test.each([
    [['workspace:read'], null, ['workspace:read']],
    [[], null, []],
    [['audit:read', 'members:write', 'workspace:read', 'apikeys:write'], 'read_only', ['audit:read', 'workspace:read']],
    [['billing:write'], null, []],
    [['something.else', 'nul\0', 'with space', 'x'.repeat(200)], null, ['something.else']],
  ])('with the permissions %j has the set %s and the scopes %j', async (permissions, set, scopes) => {
    const key = aKey({ permissions });
    await apply(keyEvent('api_key.created', key));
    expect(await rowsOf(db, key.organizationId)).toMatchObject([{ permission_set: set, scopes }]);
  });

  test.each([
    ['x'.repeat(150), 'x'.repeat(100)],
    ['🔑'.repeat(101), '🔑'.repeat(100)],
    ['  two\nlines\u0000\u2028here  ', 'two lines here'],
    ['\u0007', 'API key'],
    ['', 'API key'],
    ['half \ud83d', 'half \ufffd'],
  ])('with the name %j has the label %j', async (name, label) => {
    const key = aKey({ name });
    await apply(keyEvent('api_key.created', key));
    expect(await rowsOf(db, key.organizationId)).toMatchObject([{ label }]);
  });

  test('is mirrored once, however often WorkOS tells of it', async () => {
    const event = keyEvent('api_key.created', aKey());
    const outcomes = await Promise.all([apply(event), apply(event), apply(event), apply(event)]);
    expect(outcomes.toSorted()).toEqual(['applied', 'unchanged', 'unchanged', 'unchanged']);
    expect(await rowsOf(db, event.key.organizationId)).toHaveLength(1);
    expect(await actionsOf(event.key.organizationId)).toEqual(['api_key.created']);
  });

  test("is no organization's key when it belongs to a person", async () => {
    const key = aKey({ userId: 'user_x' });
    for (const type of ['api_key.created', 'api_key.updated', 'api_key.revoked'] as const) {
      expect(await apply(keyEvent(type, key))).toBe('unchanged');
    }
    expect(await rowsOf(db, key.organizationId)).toEqual([]);
    expect(await tenantOf(db, key.organizationId)).toBeUndefined();
  });
});

describe('a key whose name proves that it was asked for here', () => {
  const ROW = '01JD0000000000000000000000';

  async function withRow(row: object) {
    const key = aKey();
    key.name = marker.mark('ours', key.organizationId, ROW);
    const now = new Date();
    await db('tenants').insert({ organization_id: key.organizationId, created_at: now, updated_at: now });
    await db('api_keys').insert({
      organization_id: key.organizationId,
      id: ROW,
      origin: 'latchkey',
      label: 'ours',
      metadata: '{}',
      scopes: ['workspace:read'],
      created_by_kind: 'user',
      created_by_id: 'user_x',
      created_at: now,
      updated_at: now,
      ...row,
    });
    return key;
  }
  const isKey = (id: string, status: string) => ({
    status,
    workos_id: id,
    prefix: 'sk_...',
    secret_hash: randomBytes(32),
    revoked_at: status === 'revoked' ? minute(0) : null,
  });

  test.each<[string, (id: string) => object]>([
    ['row waits for its maker', () => ({ status: 'provisioning', due_at: minute(5) })],
    ['row is this key', (id) => isKey(id, 'active')],
    ['row is this key, revoked', (id) => isKey(id, 'revoked')],
    ['name was copied from another, active key', (id) => isKey(`${id}other`, 'active')],
    ['name was copied from another, revoked key', (id) => isKey(`${id}other`, 'revoked')],
  ])('changes nothing while its %s', async (_what, rowOf) => {
    const key = await withRow({ status: 'failed' });
    await db('api_keys').where({ organization_id: key.organizationId }).update(rowOf(key.id));
    const before = await rowsOf(db, key.organizationId);
    expect(before).toHaveLength(1);
    expect(await apply(keyEvent('api_key.created', key))).toBe('unchanged');
    expect(await rowsOf(db, key.organizationId)).toEqual(before);
  });

  test('is looked for at once when its row was given up, also when nothing was left to do', async () => {
    const key = await withRow({ status: 'failed', due_at: null, attempts: 7 });
    expect(await apply(keyEvent('api_key.created', key))).toBe('applied');
    expect(await rowsOf(db, key.organizationId)).toMatchObject([
      { status: 'failed', workos_id: null, due_at: expect.any(Date), attempts: 0 },
    ]);
    expect(await actionsOf(key.organizationId)).toEqual([]);
  });

  test('is mirrored like any other when there is no such row: a database was restored', async () => {
    const key = aKey();
    key.name = marker.mark('ours', key.organizationId, ROW);
    await apply(keyEvent('api_key.created', key));
    expect(await rowsOf(db, key.organizationId)).toMatchObject([
      { id: ROW, workos_id: key.id, label: 'ours', status: 'active', origin: 'workos' },
    ]);
    expect(await apply(keyEvent('api_key.created', key))).toBe('unchanged');
  });

  test('cannot become active any more once WorkOS has revoked it', async () => {
    const key = await withRow({ status: 'provisioning', due_at: minute(5) });
    expect(await apply(keyEvent('api_key.revoked', key))).toBe('applied');
    expect(await rowsOf(db, key.organizationId)).toMatchObject([{ status: 'failed', workos_id: null }]);
  });

  test('of another organization proves nothing', async () => {
    const key = await withRow({ status: 'failed' });
    const stolen = aKey({ name: key.name });
    await apply(keyEvent('api_key.created', stolen));
    expect(await rowsOf(db, stolen.organizationId)).toMatchObject([{ status: 'active', origin: 'workos' }]);
    expect(await rowsOf(db, key.organizationId)).toMatchObject([{ due_at: null }]);
  });
});

describe('a new end of a key', () => {
  test('is taken, and audited with both', async () => {
    const key = aKey();
    await apply(keyEvent('api_key.created', key));
    await apply(keyEvent('api_key.updated', { ...key, expiresAt: minute(500), updatedAt: minute(1) }, 'user_admin'));
    expect(await rowsOf(db, key.organizationId)).toMatchObject([
      { expires_at: minute(500), workos_expires_at: minute(500), workos_updated_at: minute(1) },
    ]);
    const [, event] = await auditOf(db, key.organizationId);
    expect(event).toMatchObject({
      action: 'api_key.expiry_changed',
      actor_id: 'user_admin',
      details: { before: null, after: minute(500).toISOString() },
    });
    await apply(keyEvent('api_key.updated', { ...key, updatedAt: minute(2) }));
    expect(await rowsOf(db, key.organizationId)).toMatchObject([{ expires_at: null }]);
  });

  test('that is older than what is known changes nothing', async () => {
    const key = aKey();
    await apply(keyEvent('api_key.updated', { ...key, expiresAt: minute(700), updatedAt: minute(7) }));
    expect(await apply(keyEvent('api_key.updated', { ...key, expiresAt: minute(500), updatedAt: minute(5) }))).toBe(
      'unchanged',
    );
    expect(await apply(keyEvent('api_key.created', key))).toBe('unchanged');
    expect(await rowsOf(db, key.organizationId)).toMatchObject([{ expires_at: minute(700), status: 'active' }]);
    expect(await actionsOf(key.organizationId)).toEqual(['api_key.created']);
  });

  test('waits while one of ours still waits to be told', async () => {
    const key = aKey();
    await apply(keyEvent('api_key.created', key));
    await db('api_keys')
      .where({ workos_id: key.id })
      .update({ expires_at: minute(100), rotated_to: 'api_key_new', due_at: minute(50) });
    await apply(keyEvent('api_key.updated', { ...key, expiresAt: minute(90), updatedAt: minute(1) }));
    expect(await rowsOf(db, key.organizationId)).toMatchObject([
      { expires_at: minute(100), due_at: minute(50), workos_expires_at: minute(90) },
    ]);
    expect(await actionsOf(key.organizationId)).toEqual(['api_key.created']);
  });

  test('of a key that was replaced is taken when it is earlier; a later one is answered with ours', async () => {
    const later = new Date(Date.now() + 5 * DAY_MS);
    const ours = new Date(Date.now() + 2 * DAY_MS);
    const earlier = new Date(Date.now() + DAY_MS);
    const key = aKey();
    await apply(keyEvent('api_key.created', key));
    const row = () => db('api_keys').where({ workos_id: key.id }).first('expires_at', 'due_at');
    await db('api_keys').where({ workos_id: key.id }).update({ expires_at: ours, rotated_to: 'api_key_new' });
    await apply(keyEvent('api_key.updated', { ...key, expiresAt: later, updatedAt: minute(1) }));
    expect(await row()).toEqual({ expires_at: ours, due_at: expect.any(Date) });
    await db('api_keys').where({ workos_id: key.id }).update({ due_at: null });
    await apply(keyEvent('api_key.updated', { ...key, expiresAt: earlier, updatedAt: minute(2) }));
    expect(await row()).toEqual({ expires_at: earlier, due_at: null });
  });

  test('of a key that was replaced and has ended at WorkOS a moment later than here, is let be', async () => {
    const key = aKey();
    await apply(keyEvent('api_key.created', key));
    await db('api_keys')
      .where({ workos_id: key.id })
      .update({ expires_at: minute(10), rotated_to: 'api_key_new' });
    const ended = new Date(minute(10).getTime() + 30);
    await apply(keyEvent('api_key.updated', { ...key, expiresAt: ended, updatedAt: minute(11) }));
    expect(await rowsOf(db, key.organizationId)).toMatchObject([{ expires_at: minute(10), due_at: null }]);
  });
});

describe('a key revoked at WorkOS', () => {
  test('is revoked here, with nothing left to do', async () => {
    const key = aKey();
    await apply(keyEvent('api_key.created', key));
    const event = keyEvent('api_key.revoked', key, 'user_admin');
    expect([await apply(event), await apply(event)]).toEqual(['applied', 'unchanged']);
    expect(await rowsOf(db, key.organizationId)).toMatchObject([
      { status: 'revoked', revoked_at: event.createdAt, workos_deleted_at: expect.any(Date), due_at: null },
    ]);
    const events = await auditOf(db, key.organizationId);
    expect(events.map(({ action, actor_id: by }) => [action, by])).toEqual([
      ['api_key.created', 'workos'],
      ['api_key.revoked', 'user_admin'],
    ]);
  });

  test('that was never seen stays revoked when the news of its making comes late', async () => {
    const key = aKey();
    await apply(keyEvent('api_key.revoked', key));
    expect(await apply(keyEvent('api_key.created', key))).toBe('unchanged');
    expect(await apply(keyEvent('api_key.updated', key))).toBe('unchanged');
    expect(await rowsOf(db, key.organizationId)).toMatchObject([{ status: 'revoked', label: key.name, due_at: null }]);
    expect(await actionsOf(key.organizationId)).toEqual(['api_key.revoked']);
  });

  test('confirms the deletion that a revocation of ours still waits for, and audits nothing twice', async () => {
    const key = aKey();
    await apply(keyEvent('api_key.created', key));
    await db('api_keys')
      .where({ workos_id: key.id })
      .update({ status: 'revoked', revoked_at: minute(3), due_at: minute(4), attempts: 3 });
    await apply(keyEvent('api_key.revoked', key));
    expect(await rowsOf(db, key.organizationId)).toMatchObject([
      { revoked_at: minute(3), workos_deleted_at: expect.any(Date), due_at: null, attempts: 0 },
    ]);
    expect(await actionsOf(key.organizationId)).toEqual(['api_key.created']);
  });
});

describe('an organization', () => {
  test('made at WorkOS gets the first posture, its trial counted from its own beginning', async () => {
    const organization = anOrganization({ createdAt: minute(-100) });
    const event = organizationEvent('organization.created', organization, 'user_admin');
    expect([await apply(event), await apply(event)]).toEqual(['applied', 'unchanged']);
    const trialEndsAt = new Date(minute(-100).getTime() + 14 * DAY_MS);
    expect(await tenantOf(db, organization.id)).toMatchObject({
      name: 'Acme',
      billing_status: 'trial',
      trial_ends_at: trialEndsAt,
      deleted_at: null,
    });
    expect(await auditOf(db, organization.id)).toMatchObject([
      {
        action: 'organization.created',
        actor_id: 'user_admin',
        target_kind: 'organization',
        details: { name: 'Acme', billing_status: 'trial', trial_ends_at: trialEndsAt.toISOString() },
      },
    ]);
  });

  test('gets it also when a key or a new name of it was heard of first', async () => {
    const organization = anOrganization();
    await apply(keyEvent('api_key.created', aKey({ organizationId: organization.id })));
    const renamed = { ...organization, name: 'Acme Inc', updatedAt: minute(5) };
    await apply(organizationEvent('organization.updated', renamed));
    await apply(organizationEvent('organization.created', organization));
    expect(await tenantOf(db, organization.id)).toMatchObject({ name: 'Acme Inc', billing_status: 'trial' });
  });

  test('of which billing has spoken keeps what billing said', async () => {
    const organization = anOrganization();
    const now = new Date();
    await db('tenants').insert({
      organization_id: organization.id,
      billing_status: 'past_due',
      plan: 'scale',
      created_at: now,
      updated_at: now,
    });
    await apply(organizationEvent('organization.created', organization));
    expect(await tenantOf(db, organization.id)).toMatchObject({
      billing_status: 'past_due',
      trial_ends_at: null,
      plan: 'scale',
      name: 'Acme',
    });
  });

  test('is renamed by the newest name', async () => {
    const organization = anOrganization();
    const named = (name: string, at: number) =>
      apply(organizationEvent('organization.updated', { ...organization, name, updatedAt: minute(at) }));
    expect(await named('second', 2)).toBe('applied');
    expect(await named('first', 1)).toBe('unchanged');
    expect(await named('second', 2)).toBe('unchanged');
    expect(await named('nul\0third', 3)).toBe('applied');
    expect(await tenantOf(db, organization.id)).toMatchObject({ name: 'nulthird', billing_status: null });
  });

  test('deleted at WorkOS is closed and each of its keys revoked, with an audit event each', async () => {
    const organization = anOrganization();
    await apply(organizationEvent('organization.created', organization));
    const keys = Array.from({ length: 450 }, (_, i) => aKey({ organizationId: organization.id, name: `key ${i}` }));
    for (const key of keys) await apply(keyEvent('api_key.created', key));
    const [gone] = keys;
    await apply(keyEvent('api_key.revoked', gone!));
    const deleted = organizationEvent('organization.deleted', organization, 'user_admin');
    expect([await apply(deleted), await apply(deleted)]).toEqual(['applied', 'unchanged']);
    const rows = await rowsOf(db, organization.id);
    expect(rows.every((row) => row.status === 'revoked' && row.workos_deleted_at && !row.due_at)).toBe(true);
    expect(await tenantOf(db, organization.id)).toMatchObject({ deleted_at: expect.any(Date) });
    const events = (await auditOf(db, organization.id)).slice(452);
    expect(events).toHaveLength(450);
    expect(events[0]).toMatchObject({ action: 'organization.deleted', actor_id: 'user_admin' });
    const revoked = events.slice(1).map((event) => [event.action, event.actor_id, event.target_id]);
    expect(revoked.toSorted()).toEqual(
      keys
        .slice(1)
        .map(({ id }) => ['api_key.revoked', 'user_admin', id])
        .toSorted(),
    );
  });

  test('that is deleted ends what is being made in it', async () => {
    const organization = anOrganization();
    await apply(organizationEvent('organization.created', organization));
    await db('api_keys').insert({
      organization_id: organization.id,
      id: 'row',
      origin: 'latchkey',
      status: 'provisioning',
      label: 'being made',
      metadata: '{}',
      scopes: [],
      created_by_kind: 'user',
      created_by_id: 'user_x',
      created_at: minute(0),
      updated_at: minute(0),
      due_at: minute(10_000),
    });
    await apply(organizationEvent('organization.deleted', organization));
    const [row] = await rowsOf(db, organization.id);
    expect(row.status).toBe('failed');
    expect(row.due_at.getTime()).toBeLessThanOrEqual(Date.now());
  });

  test('that is deleted stays closed whatever comes late, and a key heard of late is revoked from the start', async () => {
    const organization = anOrganization();
    const key = aKey({ organizationId: organization.id });
    await apply(organizationEvent('organization.deleted', organization));
    await apply(organizationEvent('organization.created', organization));
    await apply(keyEvent('api_key.created', key));
    await apply(keyEvent('api_key.updated', { ...key, expiresAt: minute(900), updatedAt: minute(1) }));
    expect(await tenantOf(db, organization.id)).toMatchObject({ deleted_at: expect.any(Date) });
    expect(await rowsOf(db, organization.id)).toMatchObject([{ status: 'revoked', due_at: null }]);
  });
});
