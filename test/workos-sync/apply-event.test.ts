import { describe, expect, test } from 'vitest';
import { aKey, auditOf, keyEvent, minute, rowsOf, startMirror, tenantOf } from '../support/mirror.ts';

const DAY_MS = 24 * 60 * 60 * 1_000;
const mirror = await startMirror({ status: 'trial', trial_days: 14 });
const { db, apply } = mirror;
const actionsOf = async (organizationId: string) => (await auditOf(db, organizationId)).map(({ action }) => action);

describe('applyEvent: api_key.created', () => {
  test('mirrors the key with its permission set, times and creator', async () => {
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
  ])('maps the permissions %j to the set %s and the scopes %j', async (permissions, set, scopes) => {
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
  ])('turns the name %j into the label %j', async (name, label) => {
    const key = aKey({ name });
    await apply(keyEvent('api_key.created', key));
    expect(await rowsOf(db, key.organizationId)).toMatchObject([{ label }]);
  });

  test('mirrors the key once, however often the event arrives', async () => {
    const event = keyEvent('api_key.created', aKey());
    const outcomes = await Promise.all([apply(event), apply(event), apply(event), apply(event)]);
    expect(outcomes.toSorted()).toEqual(['applied', 'unchanged', 'unchanged', 'unchanged']);
    expect(await rowsOf(db, event.key.organizationId)).toHaveLength(1);
    expect(await actionsOf(event.key.organizationId)).toEqual(['api_key.created']);
  });

  test("does not mirror a personal key as its organization's", async () => {
    const key = aKey({ userId: 'user_x' });
    for (const type of ['api_key.created', 'api_key.updated', 'api_key.revoked'] as const) {
      expect(await apply(keyEvent(type, key))).toBe('unchanged');
    }
    expect(await rowsOf(db, key.organizationId)).toEqual([]);
    expect(await tenantOf(db, key.organizationId)).toBeUndefined();
  });
});

describe('applyEvent: api_key.updated', () => {
  test('takes over the expiry, and audits the old and the new one', async () => {
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

  test('ignores an event that is older than the row', async () => {
    const key = aKey();
    await apply(keyEvent('api_key.updated', { ...key, expiresAt: minute(700), updatedAt: minute(7) }));
    expect(await apply(keyEvent('api_key.updated', { ...key, expiresAt: minute(500), updatedAt: minute(5) }))).toBe(
      'unchanged',
    );
    expect(await apply(keyEvent('api_key.created', key))).toBe('unchanged');
    expect(await rowsOf(db, key.organizationId)).toMatchObject([{ expires_at: minute(700), status: 'active' }]);
    expect(await actionsOf(key.organizationId)).toEqual(['api_key.created']);
  });

  test('ignores the expiry while an earlier one of ours is unconfirmed', async () => {
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

  test('takes over an earlier expiry of a rotated key, and sends ours again for a later one', async () => {
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

  test('ignores an expiry of a rotated key that passed at WorkOS a moment later than here', async () => {
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

describe('applyEvent: api_key.revoked', () => {
  test('revokes the key, with nothing left to settle', async () => {
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

  test('keeps an unknown key revoked when api_key.created arrives late', async () => {
    const key = aKey();
    await apply(keyEvent('api_key.revoked', key));
    expect(await apply(keyEvent('api_key.created', key))).toBe('unchanged');
    expect(await apply(keyEvent('api_key.updated', key))).toBe('unchanged');
    expect(await rowsOf(db, key.organizationId)).toMatchObject([{ status: 'revoked', label: key.name, due_at: null }]);
    expect(await actionsOf(key.organizationId)).toEqual(['api_key.revoked']);
  });

  test('confirms the deletion after our own revocation, without a second audit event', async () => {
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
