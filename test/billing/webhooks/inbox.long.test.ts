import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { makeWebhookInbox } from '../../../src/app/command-parts.ts';
import { readConfig } from '../../../src/app/read-config.ts';
import { readProduct } from '../../../src/product/read-product.ts';
import { makeLogger } from '../../../src/telemetry/logger.ts';
import { outcome } from '../../support/api.ts';
import { environment, startService } from '../../support/service.ts';
import {
  BASE,
  HOOK_SECRETS,
  kept,
  linkCustomer,
  message,
  newId,
  sendBilling,
  sendStripe,
  stripeEvent,
  subscription,
  tenantOf,
} from './send.ts';

const DAY_MS = 86_400_000;
let dying = false;
const service = await startService(HOOK_SECRETS, {
  at(name) {
    if (dying && name === 'hook.judged') throw new Error('the process dies here');
  },
});
const { db } = service;
const inbox = makeWebhookInbox({
  config: readConfig(environment(service.workos)),
  product: readProduct(new URL('../../../config/evershell.yaml', import.meta.url)),
  db,
  log: makeLogger({ level: 'silent', pretty: false }),
  clock: service.clock,
});
const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();

describe('the webhook inbox', () => {
  test('records and applies nothing when it crashes before the commit, and applies the retry once', async () => {
    const id = newId('org');
    const body = message(id, { status: 'active' }, at(1));
    dying = true;
    const died = await sendBilling(service, body, { id: `msg_${id}` }).finally(() => (dying = false));
    expect(died.status).toBe(500);
    expect([await kept(service, `msg_${id}`), await tenantOf(service, id)]).toEqual([undefined, undefined]);
    expect(await db('audit_events').where({ organization_id: id })).toEqual([]);
    expect((await sendBilling(service, body, { id: `msg_${id}` })).body).toEqual({ outcome: 'applied' });
    expect((await sendBilling(service, body, { id: `msg_${id}` })).body).toEqual({ outcome: 'repeated' });
    expect(await db('audit_events').where({ organization_id: id })).toHaveLength(1);
  });

  // On the embedded database, which takes one at a time, fewer say the same.
  const HOOKS = process.env['TEST_DATABASE_URL'] ? 1_000 : 300;

  test('ends concurrent webhooks in what the one that happened last says', async () => {
    const { id } = await service.organizations.add(null);
    const cus = await linkCustomer(service, id);
    const statuses = ['active', 'past_due', 'unpaid', 'paused'];
    const events = Array.from({ length: HOOKS }, (_unused, i) =>
      stripeEvent(
        'customer.subscription.updated',
        subscription({ id: `sub_${i % 3}_${cus}`, customer: cus, created: BASE + (i % 3), status: statuses[i % 4] }),
        { created: BASE + i },
      ),
    );
    // Whoever hears that the database is busy, or nothing at all, sends again a little later, as Stripe does.
    async function deliver(event: object): Promise<void> {
      for (;;) {
        const answer = await sendStripe(service, event).catch(() => undefined);
        if (answer?.status === 200) return;
        if (answer && answer.status !== 503) throw new Error(`a hook was answered ${outcome(answer).join(' ')}`);
        await sleep(1_000 + 2_000 * Math.random());
      }
    }
    await Promise.all(events.map((_event, i) => deliver(events[(i * 617) % HOOKS]!)));
    expect(await db('hook_inbox').where({ customer_id: cus })).toHaveLength(HOOKS);
    // Of three subscriptions the one that was made last counts, by its own last event; the moment is the newest of all.
    const LAST_OF_NEWEST = HOOKS - 1 - (HOOKS % 3);
    expect(await tenantOf(service, id)).toMatchObject({
      billing_status: { active: 'active' }[statuses[LAST_OF_NEWEST % 4]!] ?? 'past_due',
      billing_occurred_at: new Date((BASE + HOOKS - 1) * 1_000),
    });
  }, 240_000);

  test('replays by the same rules, and changes nothing the second time', async () => {
    const id = newId('org');
    const send = (status: string, second: number) =>
      sendBilling(service, message(id, { status }, at(second)), { id: `msg_${status}_${id}` });
    await send('active', 1);
    await send('past_due', 2);
    const before = await tenantOf(service, id);
    const first = (await kept(service, `msg_active_${id}`)).id;
    expect(await inbox.replayWebhook(first)).toMatchObject({ outcome: 'stale', organizationId: id });
    expect(await inbox.replayWebhook(first)).toMatchObject({ outcome: 'stale' });
    expect(await inbox.replayWebhook((await kept(service, `msg_past_due_${id}`)).id)).toMatchObject({
      outcome: 'unchanged',
    });
    expect({ ...(await tenantOf(service, id)), updated_at: null }).toEqual({ ...before, updated_at: null });
    expect(await kept(service, `msg_active_${id}`)).toMatchObject({ outcome: 'applied', attempts: 3 });
    // Lost, as by somebody's hand: the same word makes it whole.
    await db('tenants')
      .where({ organization_id: id })
      .update({ billing_status: null, billing_occurred_at: null, status_since: null });
    expect(await inbox.replayWebhook(first)).toMatchObject({ outcome: 'applied' });
    expect(await tenantOf(service, id)).toMatchObject({
      billing_status: 'past_due',
      status_since: before.status_since,
    });
    expect(await inbox.replayWebhook('hook_00000000000000000000000000')).toBeUndefined();
  });

  test('lists rejected webhooks, and replays none of them', async () => {
    const id = newId('org');
    const forged = await sendBilling(service, message(id, { status: 'active' }), {
      headers: { 'webhook-signature': 'v1,AAAA' },
    });
    const requestId = forged.body.error.request_id;
    const find = async () => {
      const hooks = await inbox.listWebhooks({ source: 'billing', outcome: 'refused', limit: 50 });
      return hooks.find(({ eventId }) => eventId === requestId);
    };
    await expect.poll(find).toMatchObject({ type: 'unread', detail: 'credential_invalid', attempts: 1 });
    expect(await inbox.replayWebhook((await find())!.id)).toMatchObject({ outcome: 'refused' });
    expect(await find()).toMatchObject({ outcome: 'refused', attempts: 2 });
    expect(await tenantOf(service, id)).toBeUndefined();
  });

  test('lists webhooks newest first, by outcome and by source', async () => {
    const ids = [newId('msg'), newId('msg')];
    for (const id of ids) await sendBilling(service, { type: 'other.thing', timestamp: at(1), data: {} }, { id });
    await sendStripe(service, stripeEvent('charge.succeeded', {}));
    const ignored = await inbox.listWebhooks({ source: 'billing', outcome: 'ignored', limit: 2 });
    expect(ignored.map(({ eventId, source, outcome }) => [eventId, source, outcome])).toEqual(
      ids.toReversed().map((id) => [id, 'billing', 'ignored']),
    );
    const [newest] = await inbox.listWebhooks({ source: undefined, outcome: undefined, limit: 1 });
    expect(newest).toMatchObject({ source: 'stripe', type: 'charge.succeeded', attempts: 1 });
  });

  test('keeps webhooks for 30 days; what they stated stays, and older statements stay stale', async () => {
    const id = newId('org');
    await sendBilling(service, message(id, { status: 'past_due' }, at(9)), { id: `msg_old_${id}` });
    const other = await startService(HOOK_SECRETS);
    await sendBilling(other, message(id, { status: 'past_due' }, at(9)), { id: `msg_old_${id}` });
    other.clock.advance(30 * DAY_MS - 60_000);
    await other.background.runOnce('sweep_hooks');
    expect(await kept(other, `msg_old_${id}`)).toBeDefined();
    other.clock.advance(2 * 60_000);
    await other.background.runOnce('sweep_hooks');
    expect(await other.db('hook_inbox')).toEqual([]);
    expect(await tenantOf(other, id)).toMatchObject({ billing_status: 'past_due' });
  });

  test('sweeps more than a batch of old webhooks at once', async () => {
    const rows = Array.from({ length: 1_201 }, (_unused, i) => ({
      id: `hook_swept_${i}`,
      source: 'stripe',
      event_id: `evt_swept_${i}`,
      type: 'charge.succeeded',
      received_at: new Date(0),
      outcome: 'ignored',
      attempts: 1,
      payload: { kind: 'foreign' },
    }));
    await db('hook_inbox').insert(rows);
    await service.background.runOnce('sweep_hooks');
    expect(await db('hook_inbox').where('received_at', new Date(0))).toEqual([]);
  });
});
