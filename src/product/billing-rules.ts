import { z } from 'zod';
import { BILLING_STATUSES, OPERATIONS, POSTURES } from '../tenants/posture.ts';
import type { Operation, PolicyRules, Posture, Realm } from '../tenants/posture.ts';

const days = z.int().min(0).max(3_650);
const operations = z.array(z.enum(OPERATIONS)).max(OPERATIONS.length);

const EVERYTHING: readonly Operation[] = OPERATIONS;
const NOTHING_ADDED: readonly Operation[] = ['read', 'wind_down'];
const GOOD: readonly Posture[] = ['active', 'trial', 'grace'];

/** What the product's file may say of billing. */
export const BillingRules = z
  .strictObject({
    grace_days: z
      .partialRecord(z.enum(BILLING_STATUSES).exclude(['active']), days)
      .default({})
      .describe('Days that a status, or the end of a trial, goes on without effect; 0, if not given.'),
    postures: z
      .partialRecord(
        z.enum(POSTURES),
        z.strictObject({
          api: operations.optional().describe("What passes on Latchkey's own routes."),
          keys: operations.optional().describe('For what a key verifies.'),
        }),
      )
      .default({})
      .describe(
        'What passes in a posture: everything in active, trial and grace, reading and winding down in the others, if not given.',
      ),
  })
  .prefault({});

/** The rules with all that was not said filled in. */
export function policyRulesOf({ grace_days: graceDays, postures }: z.output<typeof BillingRules>): PolicyRules {
  const allows = (posture: Posture, realm: Realm) =>
    postures[posture]?.[realm] ?? (GOOD.includes(posture) ? EVERYTHING : NOTHING_ADDED);
  const entries = POSTURES.map((posture) => [posture, { api: allows(posture, 'api'), keys: allows(posture, 'keys') }]);
  return { graceDays, allows: Object.fromEntries(entries) as PolicyRules['allows'] };
}
