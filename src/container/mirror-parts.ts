import type { Knex } from 'knex';
import type { AuditLog } from '../audit/audit-log.ts';
import { makeMirrorTenants } from '../billing/mirror-tenants.ts';
import type { MirrorTenants } from '../billing/mirror-tenants.ts';
import type { TenantRepository } from '../billing/tenant-repository.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config.ts';
import type { FaultPoint } from '../fault-point.ts';
import type { Route } from '../http/route.ts';
import { makeDescribeWorkosKey } from '../keys/describe-workos-key.ts';
import type { DescribeWorkosKey } from '../keys/describe-workos-key.ts';
import type { Marker } from '../keys/marker.ts';
import { makeMendKeys } from '../keys/mend-keys.ts';
import { makeMirrorKeys } from '../keys/mirror-keys.ts';
import type { MirrorKeys } from '../keys/mirror-keys.ts';
import { makeMirroredKeys } from '../keys/mirrored-keys.ts';
import type { UnsettledKeys } from '../keys/unsettled-keys.ts';
import type { Catalogue } from '../permissions/catalogue.ts';
import { makeApplyEvent } from '../sync/apply-event.ts';
import type { Loop } from '../sync/background.ts';
import { makeEventCursors } from '../sync/event-cursors.ts';
import { makePace } from '../sync/pace.ts';
import { makePollEvents } from '../sync/poll-events.ts';
import { makeReconcile } from '../sync/reconcile/reconcile.ts';
import type { Reconcile } from '../sync/reconcile/reconcile.ts';
import { makeSettle } from '../sync/settle.ts';
import { workosHookRoute } from '../sync/workos-hook.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { WorkosGateway } from '../workos/gateway.ts';
import { makeVerifyWebhook } from '../workos/webhook-signature.ts';
import type { Logger } from 'pino';

/** A page is listed with retries and applied event by event: as much as so many deadlines of one request. */
const LEASE_DEADLINES = 12;

type MirrorDeps = { catalogue: Catalogue; marker: Marker; audit: AuditLog; clock: Clock };

/** What writes WorkOS's word into the mirror. */
export function makeMirror({ catalogue, marker, audit, clock }: MirrorDeps) {
  const mirrorTenants = makeMirrorTenants({ audit, firstPosture: catalogue.firstPosture, clock });
  const describe = makeDescribeWorkosKey(catalogue);
  const mirrorKeys = makeMirrorKeys({ holdTenant: mirrorTenants.hold, describe, marker, audit, clock });
  return { mirrorTenants, mirrorKeys, describe };
}

type ReconcileDeps = {
  db: Knex;
  tenants: TenantRepository;
  workos: WorkosGateway;
  marker: Marker;
  describe: DescribeWorkosKey;
  mirrorKeys: MirrorKeys;
  unsettled: UnsettledKeys;
  settleAfterMs: number;
  audit: AuditLog;
  at: FaultPoint;
  clock: Clock;
  log: Logger;
};

/** What compares the whole mirror with WorkOS. */
export function makeReconcileParts(deps: ReconcileDeps): Reconcile {
  // What it found it mends at once: somebody is waiting for its report.
  const settle = makeSettle({ ...deps, pace: makePace(Infinity) });
  return makeReconcile({
    ...deps,
    mirroredKeys: makeMirroredKeys(deps.db),
    mendKeys: makeMendKeys(deps),
    settle: (organizationId) => settle({ organizationId }),
    tenantIds: deps.tenants.listIds,
    knownTenants: async (ids) => new Set((await deps.tenants.findAll(ids)).map(({ organizationId }) => organizationId)),
  });
}

type EventDeps = {
  config: Config;
  db: Knex;
  workos: WorkosGateway;
  mirrorKeys: MirrorKeys;
  mirrorTenants: MirrorTenants;
  metrics: Metrics;
  at: FaultPoint;
  clock: Clock;
  log: Logger;
};

/** The two ways by which WorkOS's events come. */
export function makeEvents({ metrics, ...deps }: EventDeps) {
  const { config, db, clock } = deps;
  const { workosEvents } = metrics;
  const applyEvent = makeApplyEvent({ ...deps, workosEvents });
  const cursors = makeEventCursors(db, 'workos');
  const pollEvents = makePollEvents({
    ...deps,
    cursors,
    applyEvent,
    workosEvents,
    leaseMs: LEASE_DEADLINES * config.workos.timeoutMs,
  });
  const startedAt = clock();
  const { webhookSecret } = config.workos;
  const loop: Loop = { name: 'events', everyMs: config.eventsIntervalMs, step: pollEvents };
  return {
    loop,
    /** Nobody can sign anything where there is no secret, and so there is no route. */
    routes: (): Route[] =>
      webhookSecret === undefined
        ? []
        : [
            workosHookRoute({
              ...deps,
              verify: makeVerifyWebhook(webhookSecret, config.workos),
              applyEvent,
              workosEvents,
            }),
          ],
    lagSeconds: async (): Promise<number> =>
      (clock().getTime() - ((await cursors.polledAt()) ?? startedAt).getTime()) / 1_000,
  };
}
