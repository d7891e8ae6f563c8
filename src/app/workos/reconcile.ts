import type { Knex } from 'knex';
import type { Logger } from 'pino';
import type { AuditLog } from '../../audit/audit-log.ts';
import { makeComparedTestOrganizations } from '../../tenants/compared-test-organizations.ts';
import type { TenantRepository } from '../../tenants/tenant-repository.ts';
import type { Items, ItemsOf } from '../../background/items.ts';
import type { Clock } from '../../clock.ts';
import type { FaultPoint } from '../../process/fault-point.ts';
import type { Environment } from '../../api-keys/key.ts';
import type { DescribeWorkosKey } from '../../api-keys/mirror/describe-workos-key.ts';
import type { Marker } from '../../api-keys/mirror/marker.ts';
import { makeRepairKeys } from '../../api-keys/mirror/repair-keys.ts';
import type { MirrorKeys } from '../../api-keys/mirror/mirror-keys.ts';
import { makeMirroredKeys } from '../../api-keys/mirror/mirrored-keys.ts';
import type { UnsettledKeys } from '../../api-keys/rows/unsettled-keys.ts';
import { doubtMembers } from '../../members/due-members.ts';
import type { Replicas } from '../../background/replicas.ts';
import type { RateLimiter } from '../../background/rate-limiter.ts';
import { makeLiveSide } from '../../workos-sync/reconcile/live-side.ts';
import { makeReconcile } from '../../workos-sync/reconcile/reconcile.ts';
import type { Reconcile } from '../../workos-sync/reconcile/reconcile.ts';
import type { Side } from '../../workos-sync/reconcile/side.ts';
import { makeTestSide } from '../../workos-sync/reconcile/test-side.ts';
import { makeSettle } from '../../workos-sync/settle.ts';
import type { WorkosGateway } from '../../workos/gateway.ts';
import type { TestWorkos, WorkosOf } from './gateway.ts';

type Deps = {
  db: Knex;
  tenants: TenantRepository;
  workos: WorkosGateway;
  workosOf: WorkosOf;
  testWorkos: TestWorkos | undefined;
  marker: Marker;
  describe: DescribeWorkosKey;
  mirrorKeys: MirrorKeys;
  unsettled: UnsettledKeys;
  itemsOf: ItemsOf;
  environments: readonly Environment[];
  replicas: Pick<Replicas, 'count'>;
  rateLimiter: RateLimiter;
  settleAfterMs: number;
  audit: AuditLog;
  at: FaultPoint;
  clock: Clock;
  log: Logger;
};

export const SETTLE_LOOP = 'settle';

/** Wires the items of the settle loop: rows that failed, by their ids. */
export function settleItems({ itemsOf, unsettled }: Pick<Deps, 'itemsOf' | 'unsettled'>): Items {
  return itemsOf(SETTLE_LOOP, async ({ id: rowId, organizationId }, now) => {
    if (organizationId !== undefined) await unsettled.hasten({ organizationId, rowId }, now);
  });
}

/** Wires the reconciliation of the whole mirror with WorkOS. */
export function makeReconcileParts(deps: Deps): Reconcile {
  const settle = makeSettle({ ...deps, items: settleItems(deps) });
  const shared = { ...deps, repairKeys: makeRepairKeys(deps) };
  const compared = sidesOf(deps).map((side) => ({
    ...shared,
    side,
    mirroredKeys: makeMirroredKeys(deps.db, side.environment),
    async settle(organizationId: string) {
      // Counted as a replica, it gets its share of the budget of calls to WorkOS.
      await deps.replicas.count();
      return settle({ only: { organizationId, environment: side.environment } });
    },
  }));
  return makeReconcile({ compared, leftOut: deps.testWorkos ? [] : ['test'], clock: deps.clock });
}

function sidesOf({ db, tenants, workos, testWorkos, clock }: Deps): Side[] {
  const knownTenants = async (ids: readonly string[]) =>
    new Set((await tenants.findAll(ids)).map(({ organizationId }) => organizationId));
  const live = makeLiveSide({
    workos,
    mirroredKeys: makeMirroredKeys(db, 'live'),
    tenantIds: tenants.listIds,
    knownTenants,
    doubtMembers: (organizationId) => doubtMembers(db, organizationId, clock()),
  });
  if (!testWorkos) return [live];
  const compared = makeComparedTestOrganizations({ ...testWorkos, db });
  return [live, makeTestSide({ ...testWorkos, compared, knownTenants })];
}
