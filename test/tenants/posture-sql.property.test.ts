import * as fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { BILLING_STATUSES, POSTURES, makePolicy } from '../../src/tenants/posture.ts';
import { makeTenantReader } from '../../src/tenants/tenant-reader.ts';
import { makeTenantRepository } from '../../src/tenants/tenant-repository.ts';
import { BillingRules, policyRulesOf } from '../../src/product/billing-rules.ts';
import { freshDatabase } from '../support/database.ts';
import { propertyRuns } from '../support/property-runs.ts';

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 10, 20, 12);
const { db, close } = await freshDatabase();
afterAll(close);

// Few times, so that they meet each other, the clock and the ends of grace to the millisecond.
const time = fc
  .tuple(fc.integer({ min: -4, max: 4 }), fc.constantFrom(-1, 0, 1))
  .map(([days, milliseconds]) => new Date(NOW + days * DAY_MS + milliseconds));
const tenant = fc
  .record({
    billing_status: fc.option(fc.constantFrom(...BILLING_STATUSES)),
    status_since: fc.option(time),
    trial_ends_at: time,
    deleted_at: fc.option(time, { freq: 9 }),
  })
  .map((row) => ({ ...row, created_at: new Date(NOW), updated_at: new Date(NOW) }));
const days = fc.integer({ min: 0, max: 3 });
const graceDays = fc.record({ trial: days, past_due: days, decommissioning: days }, { requiredKeys: [] });

test('finds in each posture exactly the tenants that the policy puts there', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(tenant, { minLength: 1, maxLength: 99 }), graceDays, time, async (rows, grace, now) => {
      await db('tenants').del();
      await db('tenants').insert(rows.map((row, i) => ({ organization_id: `org_${i}`, ...row })));
      const rules = policyRulesOf(BillingRules.parse({ grace_days: grace }));
      const policy = makePolicy(rules);
      const reader = makeTenantReader({ db, policyRules: rules, planNames: ['one'], defaultPlanName: 'one' });
      const tenants = await makeTenantRepository(db).findAll(rows.map((_row, i) => `org_${i}`));
      for (const posture of POSTURES) {
        const found = (await reader.list({ posture }, { limit: 100 }, now)).data.map((one) => one.organizationId);
        const judged = tenants.filter((one) => policy.standingOf(one, now).posture === posture);
        expect(found.toSorted()).toEqual(judged.map((one) => one.organizationId).toSorted());
      }
    }),
    { numRuns: propertyRuns(60) },
  );
});
