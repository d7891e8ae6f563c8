import { afterEach, expect, test } from 'vitest';
import { outcome } from '../support/api.ts';
import type { Answer } from '../support/api.ts';
import {
  BASE,
  HOOK_SECRETS,
  kept,
  message,
  newId,
  sendBilling,
  sendStripe,
  stripeEvent,
  subscription,
  tenantOf,
} from '../billing/webhooks/send.ts';
import type { CommitLoss } from './proxy.ts';
import { startBehindProxy, timed } from './start.ts';

const { service, proxy } = await startBehindProxy(HOOK_SECRETS);

afterEach(() => {
  proxy.refuse(false);
  proxy.stall(false);
});

function updated(organizationId: string, status: string, second: number) {
  const object = subscription({
    id: `sub_${organizationId}`,
    customer: `cus_${organizationId}`,
    status,
    metadata: { organization_id: organizationId },
  });
  return stripeEvent('customer.subscription.updated', object, { created: BASE + second });
}

test.each([
  ['is down', () => proxy.refuse(true)],
  ['says nothing', () => proxy.stall(true)],
])(
  'while the database %s a billing webhook is 503 within a bounded wait, and is applied when it is retried',
  async (_what, harm) => {
    const [paying, owing] = [newId('org'), newId('org')];
    const event = updated(paying, 'active', 0);
    const body = message(owing, { status: 'past_due' });
    const ways = [() => sendStripe(service, event), () => sendBilling(service, body, { id: `msg_${owing}` })];
    harm();
    for (const { answer, elapsedMs } of await Promise.all(ways.map((way) => timed(way)))) {
      expect(outcome(answer)).toEqual([503, 'database_unavailable']);
      expect(answer.headers.get('retry-after')).toBe('2');
      expect(elapsedMs).toBeLessThan(11_000);
    }
    proxy.refuse(false);
    proxy.stall(false);
    for (const way of ways) expect((await way()).body).toEqual({ outcome: 'applied' });
    expect(await tenantOf(service, paying)).toMatchObject({ billing_status: 'active' });
    expect(await tenantOf(service, owing)).toMatchObject({ billing_status: 'past_due' });
  },
);

test.each<[CommitLoss, string]>([
  ['after', 'repeated'],
  ['before', 'applied'],
  ['late', 'repeated'],
])('a billing webhook whose commit is lost %s being done is %s on retry: applied once', async (how, outcomeThen) => {
  const [paying, owing] = [newId('org'), newId('org')];
  const event = updated(paying, 'active', 0);
  const body = message(owing, { status: 'past_due' });
  const ways: [string, string, () => Promise<Answer>][] = [
    [paying, event.id, () => sendStripe(service, event)],
    [owing, `msg_${owing}`, () => sendBilling(service, body, { id: `msg_${owing}` })],
  ];
  for (const [organizationId, eventId, send] of ways) {
    proxy.loseCommit(how);
    expect(outcome(await send())).toEqual([503, 'database_unavailable']);
    expect((await send()).body).toEqual({ outcome: outcomeThen });
    expect(await kept(service, eventId)).toMatchObject({ outcome: 'applied', attempts: 1 });
    expect(await service.db('audit_events').where({ organization_id: organizationId })).toHaveLength(1);
  }
});
