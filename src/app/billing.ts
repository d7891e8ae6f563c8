import type { Knex } from 'knex';
import type { AuditLog } from '../audit/audit-log.ts';
import type { ItemsOf } from '../background/items.ts';
import { makeApplyBilling } from '../billing/apply-billing.ts';
import { setBillingRoute } from '../billing/billing-routes.ts';
import { makeBillingGate } from '../billing/gate.ts';
import { organizationRoutes } from '../tenants/organization-routes.ts';
import { makeViewOrganizations } from '../tenants/organization-view.ts';
import { makePolicy } from '../tenants/posture.ts';
import { makeDecommission } from '../tenants/decommission.ts';
import { DECOMMISSION_LOOP, makeDecommissionRepository } from '../tenants/decommission-repository.ts';
import { makeSetBilling } from '../billing/set-billing.ts';
import { makeTenantReader } from '../tenants/tenant-reader.ts';
import { makeTenantRepository } from '../tenants/tenant-repository.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import type { Route } from '../http/route.ts';
import { makeKeyCounts } from '../api-keys/rows/key-counts.ts';
import { makeRevokeSomeKeys } from '../api-keys/mirror/revoke-some-keys.ts';
import type { Catalogue, Plan } from '../permissions/catalogue.ts';
import type { Loop } from '../background/loop.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Logger } from 'pino';

type Deps = {
  db: Knex;
  catalogue: Catalogue;
  audit: AuditLog;
  config: Config;
  metrics: Pick<Metrics, 'decommissionedKeys'>;
  clock: Clock;
  log: Logger;
  itemsOf: ItemsOf;
};

export type BillingParts = ReturnType<typeof makeBillingParts>;

/** Tenants and their billing: rows, policy, gate, statements, routes, and the loop that decommissions. */
export function makeBillingParts({ db, catalogue, audit, config, metrics, clock, log, itemsOf }: Deps) {
  const tenants = makeTenantRepository(db);
  const policy = makePolicy(catalogue.policyRules);
  const applyBilling = makeApplyBilling({ tenants, audit, clock });
  const ending = makeDecommissionRepository(db);
  const endings = itemsOf(DECOMMISSION_LOOP);
  const decommission = makeDecommission({
    items: endings,
    db,
    ending,
    revokeSomeKeys: makeRevokeSomeKeys({ deletionsPerSecond: config.workos.settlementsPerSecond }),
    audit,
    decommissionedKeys: metrics.decommissionedKeys,
    clock,
    log,
  });
  const { planNames, policyRules, defaultPlan, planFor, sets } = catalogue;
  const reader = makeTenantReader({ db, policyRules, planNames, defaultPlanName: defaultPlan.name });
  const permissionSets = sets.map(({ name }) => name);
  const keyCounts = makeKeyCounts(db);
  const shown = {
    planNames,
    viewOrganizations: makeViewOrganizations({ planFor, permissionSets, policy, keyCounts, clock }),
    clock,
  };
  return {
    tenants,
    ending,
    policy,
    gate: makeBillingGate({ tenants, policy, planOf: catalogue.planFor, clock }),
    applyBilling,
    planOfOrganization: async (organizationId: string): Promise<Plan> =>
      catalogue.planFor(await tenants.find(organizationId)),
    decommissionLoop: {
      name: DECOMMISSION_LOOP,
      everyMs: config.settleIntervalMs,
      step: decommission,
      lagSeconds: () => ending.lagSeconds(clock()),
      items: endings.deadLetters,
    } satisfies Loop,
    billingRoutes: (): Route[] => [
      ...organizationRoutes({ ...shown, tenants, listTenants: reader.list }),
      setBillingRoute({ ...shown, setBilling: makeSetBilling({ db, applyBilling }) }),
    ],
  };
}
