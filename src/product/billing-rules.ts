import { z } from 'zod';
import { BILLING_STATUSES, OPERATIONS, POSTURES } from '../tenants/posture.ts';
import type { Operation, PolicyRules, Posture, Realm } from '../tenants/posture.ts';

const days = z.int().min(0).max(3_650);
const operations = z.array(z.enum(OPERATIONS)).max(OPERATIONS.length);

const EVERYTHING: readonly Operation[] = OPERATIONS;
const NOTHING_ADDED: readonly Operation[] = ['read', 'wind_down'];
const GOOD: readonly Posture[] = ['active', 'trial', 'grace'];

/** The billing rules of a product file. */
export const BillingRules = z
  .strictObject({
    grace_days: z
      .partialRecord(z.enum(BILLING_STATUSES).exclude(['active']), days)
      .default({})
      .describe('Days of grace after a status begins or a trial ends, in which it has no effect; 0, if not given.'),
    postures: z
      .partialRecord(
        z.enum(POSTURES),
        z.strictObject({
          api: operations.optional().describe("Operations that pass on Latchkey's own routes."),
          keys: operations.optional().describe('Operations for which a key verifies.'),
        }),
      )
      .default({})
      .describe(
        'Operations that pass in a posture. If not given, all pass in `active`, `trial` and `grace`, and `read` and `wind_down` in the others.',
      ),
  })
  .prefault({})
  .describe('What billing allows (docs/explanation/billing.md).');

/** The rules, with defaults for what the file does not have. */
export function policyRulesOf({ grace_days: graceDays, postures }: z.output<typeof BillingRules>): PolicyRules {
  const allows = (posture: Posture, realm: Realm) =>
    postures[posture]?.[realm] ?? (GOOD.includes(posture) ? EVERYTHING : NOTHING_ADDED);
  const entries = POSTURES.map((posture) => [posture, { api: allows(posture, 'api'), keys: allows(posture, 'keys') }]);
  return { graceDays, allows: Object.fromEntries(entries) as PolicyRules['allows'] };
}
