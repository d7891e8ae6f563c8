import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { timestamp, timestampIn } from '../clock.ts';
import { coded } from '../http/http-error.ts';
import { parse } from '../http/parse.ts';
import type { Reply, Request, Route } from '../http/route.ts';
import type { OrganizationStore } from '../organizations/organization-store.ts';
import type { Switches } from '../profile/switches.ts';
import type { Store } from '../state/store.ts';
import type { Ids } from '../ulid.ts';
import { assertFitsSchema, auditSchemaRoutes } from './audit-schemas.ts';

const REPLAY_MS = 24 * 60 * 60 * 1000;

type Deps = {
  store: Store;
  ids: Ids;
  clock: Clock;
  organizations: OrganizationStore;
  switches: Pick<Switches, 'audit_schemas'>;
};

const Metadata = z.record(
  z.string().regex(/^[a-zA-Z0-9_-]{0,40}$/),
  z.union([z.string().max(500), z.number(), z.boolean()]),
);
const Party = z.object({
  id: z.string().min(1),
  type: z.string().min(1),
  name: z.string().optional(),
  metadata: Metadata.optional(),
});
const AuditEvent = z.object({
  action: z.string().min(1),
  occurred_at: z.iso.datetime({ offset: true }),
  actor: Party,
  targets: z.array(Party),
  context: z.object({ location: z.string().min(1), user_agent: z.string().optional() }),
  metadata: Metadata.optional(),
  version: z.number().int().optional(),
});
const Envelope = z.object({ organization_id: z.string().min(1), event: z.record(z.string(), z.unknown()) });

export function auditRoutes(deps: Deps): Route[] {
  // The route deduplicates by Idempotency-Key in the state file, so it needs no replay from memory.
  return [
    {
      method: 'post',
      path: '/audit_logs/events',
      access: 'environment',
      replay: false,
      handle: (request) => record(deps, request),
    },
    ...auditSchemaRoutes(deps),
  ];
}

function record(deps: Deps, { body, headers }: Request): Reply {
  const { organization_id: organizationId, event } = parse(Envelope, body);
  deps.organizations.get(organizationId);
  const checked = AuditEvent.safeParse(event);
  if (!checked.success) throw refused(checked.error);
  if (deps.switches.audit_schemas === 'required') assertFitsSchema(deps, checked.data);
  const key = headers['idempotency-key'];
  if (typeof key !== 'string' || !isKnown(deps, key)) insert(deps, organizationId, event, key);
  return { status: 200, body: { success: true } };
}

function refused(error: z.ZodError): Error {
  const errors = error.issues.map(({ path }) => ({ instancePath: `/${path.join('/')}` }));
  return coded(400, 'invalid_audit_log_event', 'Invalid Audit Log event.', { errors });
}

const isKnown = ({ store, clock }: Deps, key: string): boolean =>
  store.get(
    'select 1 from audit_events where idempotency_key = ? and created_at > ?',
    key,
    timestampIn(clock, -REPLAY_MS),
  ) !== undefined;

function insert(
  { store, ids, clock }: Deps,
  organizationId: string,
  event: object,
  key: string | string[] | undefined,
): void {
  store.run(
    'insert into audit_events (id, organization_id, idempotency_key, event, created_at) values (?, ?, ?, ?, ?)',
    ids.make('audit_log_event'),
    organizationId,
    typeof key === 'string' ? key : null,
    JSON.stringify(event),
    timestamp(clock),
  );
}
