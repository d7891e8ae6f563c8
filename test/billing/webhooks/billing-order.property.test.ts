import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { startService } from '../../support/service.ts';
import { HOOK_SECRETS, message, newId, sendBilling, tenantOf } from './send.ts';
import { propertyRuns } from '../../support/property-runs.ts';

const service = await startService(HOOK_SECRETS);
const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();

const one = fc.record(
  {
    second: fc.nat({ max: 6 }),
    status: fc.constantFrom('active', 'past_due', 'past_due', 'trial', 'decommissioning', 'decommissioning'),
    plan: fc.constantFrom('standard', 'scale'),
    key_limit: fc.constantFrom(1, 2, null),
    reason: fc.constantFrom('one', 'two'),
    decommission_at: fc.constantFrom(at(51), at(52), null),
  },
  { requiredKeys: ['second', 'status'] },
);
type Said = typeof one extends fc.Arbitrary<infer T> ? T : never;

const telling = fc.array(one, { minLength: 1, maxLength: 8, size: 'max' }).chain((messages) =>
  fc.record({
    messages: fc.constant(messages),
    order: fc.shuffledSubarray([...messages.keys()], { minLength: messages.length }),
    again: fc.array(fc.nat({ max: messages.length - 1 }), { maxLength: 3 }),
  }),
);

test('ends in the same tenant for any order and repetition of messages, also of one moment', async () => {
  await fc.assert(
    fc.asyncProperty(telling, async ({ messages, order, again }) => {
      const inOrder = [...messages.keys()].toSorted((a, b) => messages[a]!.second - messages[b]!.second || a - b);
      const expected = await told(messages, inOrder);
      const last = messages[inOrder.at(-1)!]!;
      expect(expected).toMatchObject({ billing_status: last.status, billing_occurred_at: new Date(at(last.second)) });
      expect(await told(messages, [...order, ...again])).toEqual(expected);
    }),
    { numRuns: propertyRuns(25), endOnFailure: false },
  );
}, 120_000);

async function told(messages: readonly Said[], order: readonly number[]): Promise<object> {
  const id = newId('org');
  for (const position of order) {
    const { second, decommission_at, ...data } = messages[position]!;
    const sent = {
      ...data,
      ...(data.status === 'trial' && { trial_ends_at: at(50) }),
      ...(data.status === 'decommissioning' && decommission_at !== undefined && { decommission_at }),
    };
    const answer = await sendBilling(service, message(id, sent, at(second)), { id: `msg_${position}_${id}` });
    expect(answer.status).toBe(200);
  }
  const { organization_id: _id, created_at: _c, updated_at: _u, ...tenant } = await tenantOf(service, id);
  return tenant;
}
