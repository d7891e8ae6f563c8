import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, inject, test, vi } from 'vitest';
import { webhookEvent } from '../../src/webhooks/webhook.ts';
import { makeOutboxWriter } from '../../src/webhooks/outbox-writer.ts';
import { deliver, outboxOf, secondProcess, startWebhookService } from './webhook-service.ts';
import { startReceiver } from './receiver.ts';

// Two processes at once in earnest on a PostgreSQL server; the embedded one has them take turns.
const crm = await startReceiver();
const endpoints = [{ name: 'crm', url: crm.url, secrets: [crm.secret] }];
const one = await startWebhookService({ endpoints });
const other = secondProcess(one, endpoints);
const writer = makeOutboxWriter({ endpoints: [{ name: 'crm' }], forwardsAudit: false, clock: one.clock });

const write = (id: string, limit: number) =>
  one.db.transaction((trx) =>
    writer.publish(trx, id, [
      webhookEvent('api_key.limit_reached', id, one.clock(), { details: { limit, environment: 'live' } }),
    ]),
  );
const numbersOf = (id: string) => crm.takenOf(id).map(({ body }) => body.data.details['limit']);

describe('two processes on one outbox', () => {
  test('sends nothing twice from two processes, and each organization in order, under failures', async () => {
    const ids = Array.from({ length: 12 }, (_, i) => `org_together${i}`);
    for (let n = 0; n < 8; n++) for (const id of ids) await write(id, n);
    const busy = new Map<string, number>();
    let most = 0;
    let failed = 0;
    crm.answerWith(async ({ body }) => {
      const id = body.data.organization_id;
      busy.set(id, (busy.get(id) ?? 0) + 1);
      most = Math.max(most, busy.get(id)!);
      await sleep(1 + 10 * Math.random());
      busy.set(id, busy.get(id)! - 1);
      if (Math.random() >= 0.2) return 200;
      failed += 1;
      return 500;
    });
    while (await one.db('outbox').where({ status: 'waiting' }).first()) {
      await Promise.all([deliver(one), deliver(other)]);
      one.clock.advance(30 * 60_000);
    }
    expect(most).toBe(1);
    expect(failed).toBeGreaterThan(0);
    for (const id of ids) expect(numbersOf(id)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(new Set(crm.taken.map(({ id }) => id)).size).toBe(crm.taken.length);
  }, 60_000);

  test('records nothing after another holder took over, and sends both attempts with one id', async () => {
    const id = 'org_gone';
    await write(id, 0);
    await write(id, 1);
    const first = Promise.withResolvers<number>();
    let tries = 0;
    crm.answerWith(() => (tries++ === 0 ? first.promise : 200));
    const hanging = deliver(one);
    await vi.waitFor(() => expect(tries).toBe(1));
    await deliver(other);
    expect(tries).toBe(1);
    one.clock.advance(61_000);
    await deliver(other);
    expect(numbersOf(id)).toEqual([0, 1]);
    first.resolve(500);
    await hanging;
    const rows = await outboxOf(one, id);
    expect(rows.map(({ status, attempts }) => [status, attempts])).toEqual([
      ['delivered', 1],
      ['delivered', 1],
    ]);
    const twice = crm.tries.filter(({ body }) => body.data.organization_id === id).slice(0, 2);
    expect(twice[0]?.id).toBe(twice[1]?.id);
  });

  test.each([
    ['before its first delivery', 1, []],
    ['between two deliveries', 2, [0]],
  ])('a holder that stalls %s, until its lease is over, sends nothing any more', async (_when, stallsAt, before) => {
    const id = `org_stalled${stallsAt}`;
    crm.answerWith(() => 200);
    for (let n = 0; n < 3; n++) await write(id, n);
    const stalled = Promise.withResolvers<void>();
    const resume = Promise.withResolvers<void>();
    let claimed = 0;
    const slow = secondProcess(one, endpoints, {}, async (name) => {
      if (name !== 'notice.claimed' || ++claimed !== stallsAt) return;
      stalled.resolve();
      await resume.promise;
    });
    const delivering = deliver(slow);
    await stalled.promise;
    expect(numbersOf(id)).toEqual(before);
    one.clock.advance(61_000);
    await deliver(other);
    expect(numbersOf(id)).toEqual([0, 1, 2]);
    resume.resolve();
    await delivering;
    expect(numbersOf(id)).toEqual([0, 1, 2]);
  });

  test('gives a queue back when its lease nearly ran out, and delivers in the next step', async () => {
    const id = 'org_slow';
    crm.answerWith(() => 200);
    for (let n = 0; n < 2; n++) await write(id, n);
    let slowOnce = () => one.clock.advance(31_000);
    const slow = secondProcess(one, endpoints, {}, (name) => {
      if (name !== 'notice.claimed') return;
      slowOnce();
      slowOnce = () => undefined;
    });
    await deliver(slow);
    expect(numbersOf(id)).toEqual([]);
    await deliver(slow);
    expect(numbersOf(id)).toEqual([0, 1]);
    expect((await outboxOf(one, id)).map(({ attempts }) => attempts)).toEqual([1, 1]);
  });

  test('delivers concurrent events in the order of their commits', async () => {
    const id = 'org_many';
    crm.answerWith(() => 200);
    const writing = Promise.all(Array.from({ length: 20 }, (_, n) => write(id, n)));
    await Promise.all([deliver(one), deliver(other), writing]);
    await deliver(one);
    const rows = await outboxOf(one, id);
    expect(rows.map(({ status }) => status)).toEqual(rows.map(() => 'delivered'));
    expect(rows).toHaveLength(20);
    expect(crm.takenOf(id).map((letter) => letter.id)).toEqual(rows.map((row) => row.id));
  });

  // The embedded database has one connection, which an open transaction keeps.
  test.skipIf(inject('template').kind === 'embedded')(
    'a notice whose transaction is not over yet holds back the next one of its organization',
    async () => {
      const id = 'org_open';
      const trx = await one.db.transaction();
      await writer.publish(trx, id, [
        webhookEvent('api_key.limit_reached', id, one.clock(), { details: { limit: 0, environment: 'live' } }),
      ]);
      // After it, what the transaction runs later has run.
      await trx.raw('select 1');
      const second = write(id, 1);
      await Promise.race([second, sleep(200)]);
      await deliver(one);
      expect(numbersOf(id)).toEqual([]);
      await trx.commit();
      await second;
      await deliver(one);
      expect(numbersOf(id)).toEqual([0, 1]);
    },
  );
});
