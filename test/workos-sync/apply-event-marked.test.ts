import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { aKey, auditOf, keyEvent, minute, rowsOf, startMirror } from '../support/mirror.ts';

const { db, apply, marker } = await startMirror();

const isKey = (id: string, status: string) => ({
  status,
  workos_id: id,
  prefix: 'sk_...',
  secret_hash: randomBytes(32),
  revoked_at: status === 'revoked' ? minute(0) : null,
});

describe('applyEvent: api_key.created with a marker', () => {
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
  test.each<[string, (id: string) => object]>([
    ['row is being provisioned', () => ({ status: 'provisioning', due_at: minute(5) })],
    ['row is active with this key', (id) => isKey(id, 'active')],
    ['row is revoked with this key', (id) => isKey(id, 'revoked')],
    ['marker was copied from another, active key', (id) => isKey(`${id}other`, 'active')],
    ['marker was copied from another, revoked key', (id) => isKey(`${id}other`, 'revoked')],
  ])('changes nothing when its %s', async (_what, rowOf) => {
    const key = await withRow({ status: 'failed' });
    await db('api_keys').where({ organization_id: key.organizationId }).update(rowOf(key.id));
    const before = await rowsOf(db, key.organizationId);
    expect(before).toHaveLength(1);
    expect(await apply(keyEvent('api_key.created', key))).toBe('unchanged');
    expect(await rowsOf(db, key.organizationId)).toEqual(before);
  });

  test('makes a failed row due at once, also when it was settled', async () => {
    const key = await withRow({ status: 'failed', due_at: null, attempts: 7 });
    expect(await apply(keyEvent('api_key.created', key))).toBe('applied');
    expect(await rowsOf(db, key.organizationId)).toMatchObject([
      { status: 'failed', workos_id: null, due_at: expect.any(Date), attempts: 0 },
    ]);
    expect(await auditOf(db, key.organizationId)).toEqual([]);
  });

  test('mirrors the key when its row does not exist, as after a restore', async () => {
    const key = aKey();
    key.name = marker.mark('ours', key.organizationId, ROW);
    await apply(keyEvent('api_key.created', key));
    expect(await rowsOf(db, key.organizationId)).toMatchObject([
      { id: ROW, workos_id: key.id, label: 'ours', status: 'active', origin: 'workos' },
    ]);
    expect(await apply(keyEvent('api_key.created', key))).toBe('unchanged');
  });

  test('keeps a key from becoming active after WorkOS revoked it', async () => {
    const key = await withRow({ status: 'provisioning', due_at: minute(5) });
    expect(await apply(keyEvent('api_key.revoked', key))).toBe('applied');
    expect(await rowsOf(db, key.organizationId)).toMatchObject([{ status: 'failed', workos_id: null }]);
  });

  test('ignores the marker of another organization', async () => {
    const key = await withRow({ status: 'failed' });
    const stolen = aKey({ name: key.name });
    await apply(keyEvent('api_key.created', stolen));
    expect(await rowsOf(db, stolen.organizationId)).toMatchObject([{ status: 'active', origin: 'workos' }]);
    expect(await rowsOf(db, key.organizationId)).toMatchObject([{ due_at: null }]);
  });
});
