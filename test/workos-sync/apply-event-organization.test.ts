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
const { db, apply } = await startMirror({ status: 'trial', trial_days: 14 });

describe('applyEvent: organization.*', () => {
  test('creates a tenant with the first posture, its trial counted from the creation at WorkOS', async () => {
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

  test('gives the first posture also when a key or a rename arrives first', async () => {
    const organization = anOrganization();
    await apply(keyEvent('api_key.created', aKey({ organizationId: organization.id })));
    const renamed = { ...organization, name: 'Acme Inc', updatedAt: minute(5) };
    await apply(organizationEvent('organization.updated', renamed));
    await apply(organizationEvent('organization.created', organization));
    expect(await tenantOf(db, organization.id)).toMatchObject({ name: 'Acme Inc', billing_status: 'trial' });
  });

  test('takes over the Stripe customer of the newest event, and its removal', async () => {
    const organization = anOrganization();
    const customerIs = async (stripeCustomerId: string | undefined, at: number) =>
      apply(organizationEvent('organization.updated', { ...organization, stripeCustomerId, updatedAt: minute(at) }));
    const customer = async () => (await tenantOf(db, organization.id))?.['stripe_customer_id'];
    await apply(organizationEvent('organization.created', { ...organization, stripeCustomerId: 'cus_made' }));
    expect(await customer()).toBe('cus_made');
    expect(await customerIs('cus_later', 5)).toBe('applied');
    expect(await customerIs('cus_late', 4)).toBe('unchanged');
    expect(await customer()).toBe('cus_later');
    expect(await customerIs(undefined, 6)).toBe('applied');
    expect(await customer()).toBeNull();
    const [, told] = await auditOf(db, organization.id);
    expect(told).toMatchObject({ details: { name: 'Acme', stripe_customer_id: 'cus_later' } });
  });

  test('keeps the billing state that billing set', async () => {
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

  test('takes over the newest name', async () => {
    const organization = anOrganization();
    const named = (name: string, at: number) =>
      apply(organizationEvent('organization.updated', { ...organization, name, updatedAt: minute(at) }));
    expect(await named('second', 2)).toBe('applied');
    expect(await named('first', 1)).toBe('unchanged');
    expect(await named('second', 2)).toBe('unchanged');
    expect(await named('nul\0third', 3)).toBe('applied');
    expect(await tenantOf(db, organization.id)).toMatchObject({ name: 'nulthird', billing_status: null });
  });

  test('closes a deleted organization and revokes each key with an audit event', async () => {
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
    const revoked = events.slice(1).map((event) => `${event.action} ${event.actor_id} ${event.target_id}`);
    const wanted = keys.slice(1).map(({ id }) => `api_key.revoked user_admin ${id}`);
    expect(new Set(revoked)).toEqual(new Set(wanted));
    expect(revoked).toHaveLength(wanted.length);
  });

  test('fails provisionings of a deleted organization', async () => {
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

  test('keeps a deleted organization closed after late events, and mirrors late keys as revoked', async () => {
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
