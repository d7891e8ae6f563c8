import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { WorkosKey, WorkosOrganization } from '../../src/workos/entities.ts';
import type { WorkosEvent } from '../../src/workos/events/event.ts';
import { aKey, anOrganization, keyEvent, minute, organizationEvent, startMirror } from '../support/mirror.ts';
import { propertyRuns } from '../support/property-runs.ts';

const mirror = await startMirror({ status: 'trial', trial_days: 14 });

/** What may happen at WorkOS; `which` names one of the keys that are there. */
type Step =
  | { kind: 'create'; permissions: string[]; owned: boolean; expires: number | undefined }
  | { kind: 'expire'; which: number; expires: number | undefined }
  | { kind: 'revoke'; which: number }
  | { kind: 'rename'; name: string };

const expires = fc.option(fc.integer({ min: 1_000, max: 9_000 }), { nil: undefined });
const which = fc.nat({ max: 20 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('create' as const),
    permissions: fc.subarray(['workspace:read', 'audit:read', 'members:write']),
    owned: fc.boolean(),
    expires,
  }),
  fc.record({ kind: fc.constant('expire' as const), which, expires }),
  fc.record({ kind: fc.constant('revoke' as const), which }),
  fc.record({ kind: fc.constant('rename' as const), name: fc.string({ minLength: 1, maxLength: 10 }) }),
);

/** A life of one organization, and an order of telling it: every event at least once, any of them again. */
const telling = fc
  .record({ steps: fc.array(step, { maxLength: 14, size: 'max' }), known: fc.boolean(), deleted: fc.boolean() })
  .chain((life) => {
    const events = historyOf(life.steps, life);
    const positions = [...events.keys()];
    return fc.record({
      events: fc.constant(events),
      again: fc.array(fc.constantFrom(...positions), { maxLength: 10 }),
      shuffle: fc.array(fc.nat(), { minLength: events.length + 10, maxLength: events.length + 10 }),
    });
  });

test('applyEvent ends in the same mirror after any duplication, order and delay, with one audit event per change', async () => {
  await fc.assert(
    fc.asyncProperty(telling, async ({ events, again, shuffle }) => {
      const inOrder = await told(events);
      const order = [...events.keys(), ...again]
        .map((position, i) => ({ position, by: shuffle[i]! }))
        .toSorted((a, b) => a.by - b.by);
      const shuffled = await told(order.map(({ position }) => events[position]!));
      expect(shuffled.mirror).toEqual(inOrder.mirror);
      // What was told all over again is no news.
      expect(await repeat(shuffled.organizationId, events)).toEqual(Array(events.length).fill('unchanged'));
      expect(shuffled.sequence).toBe(shuffled.applied);
    }),
    { numRuns: propertyRuns(80), endOnFailure: false },
  );
}, 120_000);

function historyOf(steps: readonly Step[], { known, deleted }: { known: boolean; deleted: boolean }): WorkosEvent[] {
  const organization = anOrganization({ id: 'org_x' });
  const keys: WorkosKey[] = [];
  const events: WorkosEvent[] = known ? [organizationEvent('organization.created', { ...organization })] : [];
  for (const [i, one] of steps.entries()) events.push(...happen(one, minute(i + 1), organization, keys));
  if (deleted || events.length === 0) events.push(organizationEvent('organization.deleted', { ...organization }));
  return events;
}

function happen(one: Step, now: Date, organization: WorkosOrganization, keys: WorkosKey[]): WorkosEvent[] {
  if (one.kind === 'rename') {
    Object.assign(organization, { name: one.name, updatedAt: now });
    return [organizationEvent('organization.updated', { ...organization })];
  }
  if (one.kind === 'create') {
    const { permissions, owned } = one;
    const expiresAt = one.expires === undefined ? undefined : minute(one.expires);
    const userId = owned ? 'user_x' : undefined;
    const key = aKey({ permissions, userId, expiresAt, organizationId: 'org_x', createdAt: now, updatedAt: now });
    keys.push(key);
    return [keyEvent('api_key.created', { ...key })];
  }
  const key = keys[one.which % (keys.length || 1)];
  if (!key) return [];
  if (one.kind === 'revoke') {
    keys.splice(keys.indexOf(key), 1);
    return [keyEvent('api_key.revoked', { ...key })];
  }
  Object.assign(key, { expiresAt: one.expires === undefined ? undefined : minute(one.expires), updatedAt: now });
  return [keyEvent('api_key.updated', { ...key })];
}

let tellings = 0;

/** Tells a history of an organization of its own, and returns what the mirror has of it but for times of ours. */
async function told(events: readonly WorkosEvent[]) {
  const organizationId = `org_${++tellings}`;
  const outcomes = await repeat(organizationId, events);
  const { db } = mirror;
  const keys = await db('api_keys')
    .where({ organization_id: organizationId })
    .orderBy('workos_id')
    .select(
      db.raw(`replace(workos_id, ?, '') as workos_id`, [`_${organizationId}`]),
      'origin',
      'status',
      'label',
      'permission_set',
      'scopes',
      'prefix',
      'expires_at',
      'created_by_id',
      'created_at',
      'workos_expires_at',
      'workos_updated_at',
      'due_at',
      db.raw('workos_deleted_at is null as there'),
    );
  const tenant = await db('tenants')
    .where({ organization_id: organizationId })
    .first('name', 'billing_status', 'trial_ends_at', 'workos_updated_at', db.raw('deleted_at is not null as deleted'));
  const head = await db('audit_heads').where({ organization_id: organizationId }).first('sequence');
  const applied = outcomes.filter((outcome) => outcome === 'applied').length;
  // A deletion is one event of WorkOS's and one change of each key.
  const revokedAtOnce = await db('audit_events')
    .where({ organization_id: organizationId, action: 'api_key.revoked', actor_id: 'deleter' })
    .count('* as count');
  return {
    organizationId,
    mirror: { keys, tenant },
    applied: applied + Number(revokedAtOnce[0]!['count']),
    sequence: Number(head?.sequence ?? 0),
  };
}

async function repeat(organizationId: string, events: readonly WorkosEvent[]) {
  const outcomes: string[] = [];
  for (const event of events) outcomes.push(await mirror.apply(moved(event, organizationId)));
  return outcomes;
}

function moved(event: WorkosEvent, organizationId: string): WorkosEvent {
  if ('key' in event) {
    return { ...event, key: { ...event.key, organizationId, id: `${event.key.id}_${organizationId}` } };
  }
  if (!('organization' in event)) throw new Error(`there is no ${event.type} in these histories`);
  const actorId = event.type === 'organization.deleted' ? 'deleter' : event.actorId;
  return { ...event, actorId, organization: { ...event.organization, id: organizationId } };
}
