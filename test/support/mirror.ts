import { randomBytes } from 'node:crypto';
import { afterAll } from 'vitest';
import type { Knex } from 'knex';
import { makeMirror } from '../../src/app/workos/mirror.ts';
import { makeMarker } from '../../src/api-keys/mirror/marker.ts';
import { makeCatalogue } from '../../src/permissions/catalogue.ts';
import type { Product } from '../../src/product/product.ts';
import { readProduct } from '../../src/product/read-product.ts';
import { makeApplyEvent } from '../../src/workos-sync/apply-event.ts';
import { makeMetrics } from '../../src/telemetry/metrics.ts';
import type { WorkosKey, WorkosOrganization } from '../../src/workos/entities.ts';
import type { WorkosEvent } from '../../src/workos/events/event.ts';
import { makeTestAudit } from './audit.ts';
import { makeTestClock } from './clock.ts';
import { freshDatabase } from './database.ts';

const askAboutMember = () => Promise.resolve();
const noteRole = () => undefined;

export const T0 = Date.parse('2026-11-01T12:00:00.000Z');
/** Returns the time so many minutes after a fixed start. */
export const minute = (n: number): Date => new Date(T0 + n * 60_000);

const newId = (prefix: string) => `${prefix}_${randomBytes(8).toString('hex')}`;

/** Creates a mirror on its own database, and a function that applies events to it. */
export async function startMirror(firstPosture?: Product['first_posture']) {
  const { db, close } = await freshDatabase();
  afterAll(close);
  const clock = makeTestClock();
  const product = readProduct(new URL('../../config/evershell.yaml', import.meta.url));
  const catalogue = makeCatalogue({ ...product, first_posture: firstPosture });
  const marker = makeMarker(randomBytes(32));
  const audit = makeTestAudit(clock);
  const mirror = makeMirror({ product, db, catalogue, marker, announce: () => Promise.resolve(), audit, clock });
  const applyEvent = makeApplyEvent({
    db,
    ...mirror,
    askAboutMember,
    noteRole,
    workosEvents: makeMetrics().workosEvents,
  });
  return { db, clock, marker, ...mirror, apply: (event: WorkosEvent) => applyEvent(event, { source: 'poll' }) };
}

export function aKey(changes: Partial<WorkosKey> = {}): WorkosKey {
  return {
    id: newId('api_key'),
    environment: 'live',
    organizationId: newId('org'),
    userId: undefined,
    name: 'made in the dashboard',
    obfuscatedValue: 'sk_...abcd',
    permissions: ['workspace:read', 'audit:read'],
    expiresAt: undefined,
    createdAt: minute(0),
    updatedAt: minute(0),
    ...changes,
  };
}

export function anOrganization(changes: Partial<WorkosOrganization> = {}): WorkosOrganization {
  return {
    id: newId('org'),
    name: 'Acme',
    externalId: undefined,
    stripeCustomerId: undefined,
    createdAt: minute(0),
    updatedAt: minute(0),
    ...changes,
  };
}

type KeyEvent = Extract<WorkosEvent, { key: WorkosKey }>;
type OrganizationEvent = Extract<WorkosEvent, { organization: WorkosOrganization }>;

export function keyEvent(type: KeyEvent['type'], key: WorkosKey, actorId?: string): KeyEvent {
  return { id: newId('event'), type, key, createdAt: minute(60), actorId };
}

export function organizationEvent(
  type: OrganizationEvent['type'],
  organization: WorkosOrganization,
  actorId?: string,
): OrganizationEvent {
  return { id: newId('event'), type, organization, createdAt: minute(60), actorId };
}

export const rowsOf = (db: Knex, organizationId: string) =>
  db('api_keys').where({ organization_id: organizationId }).orderBy('workos_id');
export const auditOf = (db: Knex, organizationId: string) =>
  db('audit_events').where({ organization_id: organizationId }).orderBy('sequence');
export const tenantOf = (db: Knex, organizationId: string) =>
  db('tenants').where({ organization_id: organizationId }).first();
