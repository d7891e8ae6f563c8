import { beforeEach, describe, expect, test, vi } from 'vitest';
import { replayDelivery } from '../../src/webhooks/undelivered.ts';
import { call, createKey } from '../support/api.ts';
import { metricsOf } from '../support/metrics.ts';
import { SERVICE_TOKEN } from '../support/service.ts';
import { deliver, outboxOf, secondProcess, startWebhookService } from './webhook-service.ts';
import { startReceiver } from './receiver.ts';

const HOUR = 60 * 60_000;
const DAY = 24 * HOUR;

const crm = await startReceiver();
const audit = await startReceiver();
const service = await startWebhookService({
  endpoints: [
    { name: 'crm', url: crm.url, secrets: [crm.secret] },
    { name: 'audit', url: audit.url, secrets: [audit.secret], events: ['api_key.created'] },
  ],
});

/** An organization of which so many keys were just made, in this order. */
async function organizationWithNotices(count: number) {
  const organization = await service.organizations.add();
  const token = await organization.session();
  const ids: unknown[] = [];
  for (let i = 0; i < count; i++) ids.push((await createKey(service, token)).id);
  return { id: organization.id, ids };
}
const keysOf = (letters: readonly { body: { data: { api_key?: Record<string, unknown> } } }[]) =>
  letters.map(({ body }) => body.data.api_key?.['id']);
const triesOf = (id: string) => crm.tries.filter(({ body }) => body.data.organization_id === id);

beforeEach(() => crm.answerWith(() => 200));

describe('a delivery loop', () => {
  describe('a failed delivery is retried unchanged, before those behind it:', () => {
    test.each([
      ['a failure', 500],
      ['a refusal', 400],
      ['an end', 410],
      ['a redirect, which nobody follows', { status: 307, headers: { location: audit.url } }],
    ])('%s', async (_what, answer) => {
      const { id, ids } = await organizationWithNotices(3);
      const before = audit.tries.length;
      crm.answerWith(() => answer);
      await deliver(service);
      await deliver(service);
      expect(keysOf(triesOf(id))).toEqual([ids[0]]);
      expect([audit.tries.length, audit.wrong]).toEqual([before, []]);

      crm.answerWith(() => 200);
      service.clock.advance(5_000);
      await deliver(service);
      expect(keysOf(crm.takenOf(id))).toEqual(ids);
      const [failed, taken] = triesOf(id);
      expect([taken?.id, taken?.text]).toEqual([failed?.id, failed?.text]);
    });
  });

  test('backs off up to an hour, and gives up after three days, so that the next goes on', async () => {
    const { id, ids } = await organizationWithNotices(2);
    const startedAt = service.clock().getTime();
    const tried: number[] = [];
    crm.answerWith(({ body }) => {
      if (body.data.organization_id !== id) return 200;
      if (body.data.api_key?.['id'] !== ids[0]) return 200;
      tried.push(service.clock().getTime() - startedAt);
      return 500;
    });
    const dead = () => outboxOf(service, id).where({ endpoint: 'crm', status: 'dead' });
    while ((await dead()).length === 0) {
      await deliver(service);
      const lane = await service.db('outbox_lanes').where({ endpoint: 'crm', organization_id: id }).first();
      if (lane.due_at) service.clock.advance(Math.max(0, lane.due_at.getTime() - service.clock().getTime()));
    }
    const waits = tried.slice(1).map((at, i) => at - tried[i]!);
    expect(waits.slice(0, 4).map((wait, i) => wait >= 2_500 * 2 ** i && wait <= 6_000 * 2 ** i)).toEqual(
      Array.from({ length: 4 }, () => true),
    );
    expect(Math.max(...waits)).toBeLessThanOrEqual(HOUR + 10_000);
    expect(tried.at(-2)).toBeLessThan(3 * DAY);
    expect(tried.at(-1)).toBeGreaterThanOrEqual(3 * DAY);
    expect(tried.at(-1)).toBeLessThan(3 * DAY + HOUR + 10_000);
    expect(keysOf(crm.takenOf(id))).toEqual([ids[1]]);
    expect(service.logs.filter((line) => line.includes('webhook delivery given up'))).toHaveLength(1);

    crm.answerWith(() => 200);
    const [letter] = await dead();
    expect(await replayDelivery(service.db, letter.id, service.clock())).toBe(true);
    expect(await replayDelivery(service.db, letter.id, service.clock())).toBe(false);
    expect(await replayDelivery(service.db, 'notice_nobody', service.clock())).toBe(false);
    await deliver(service);
    expect(keysOf(crm.takenOf(id))).toEqual([ids[1], ids[0]]);
    expect(crm.takenOf(id)[1]?.id).toBe(triesOf(id)[0]?.id);
  }, 30_000);

  test('delays no other organization by a delivery that hangs', async () => {
    const slow = await organizationWithNotices(2);
    const release = Promise.withResolvers<number>();
    crm.answerWith(({ body }) => (body.data.organization_id === slow.id ? release.promise : 200));
    const delivering = deliver(service);
    await vi.waitFor(() => expect(triesOf(slow.id)).toHaveLength(1));
    // Made while the other one hangs.
    const quick = await organizationWithNotices(2);
    await vi.waitFor(() => expect(keysOf(crm.takenOf(quick.id))).toEqual(quick.ids), 5_000);
    expect(crm.takenOf(slow.id)).toEqual([]);
    release.resolve(200);
    await delivering;
    expect(keysOf(crm.takenOf(slow.id))).toEqual(slow.ids);
  });

  test('delays no other endpoint by one that is down', async () => {
    const { id, ids } = await organizationWithNotices(2);
    crm.answerWith(() => 500);
    await deliver(service);
    await deliver(service, 'audit');
    expect(keysOf(audit.takenOf(id))).toEqual(ids);
    expect(crm.takenOf(id)).toEqual([]);
  });

  test('repeats a delivery that could not be recorded, with the same id', async () => {
    const { id } = await organizationWithNotices(1);
    await service.db.raw(`
    create function refuse_note() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;
    create trigger refuse_note before update on outbox for each row execute function refuse_note()`);
    await deliver(service);
    await service.db.raw('drop trigger refuse_note on outbox; drop function refuse_note()');
    expect(triesOf(id)).toHaveLength(1);
    await deliver(service);
    expect(triesOf(id)).toHaveLength(1);
    service.clock.advance(60_000);
    await deliver(service);
    expect(new Set(triesOf(id).map((letter) => letter.id)).size).toBe(1);
    expect(triesOf(id)).toHaveLength(2);
  });

  test('keeps delivered webhooks for a week and dead ones for a month', async () => {
    const { id } = await organizationWithNotices(1);
    await deliver(service);
    await deliver(service, 'audit');
    const ended = await outboxOf(service, id);
    expect(ended.map(({ status }) => status)).toEqual(['delivered', 'delivered']);
    await service.db('outbox').where({ id: ended[1].id }).update({ status: 'dead' });
    const left = async () => (await outboxOf(service, id)).map(({ status }) => status);
    const after = async (days: number) => {
      service.clock.advance(days * DAY);
      await service.background.runOnce('sweep_notices');
      return left();
    };
    expect(await after(6.9)).toEqual(['delivered', 'dead']);
    expect(await after(0.2)).toEqual(['dead']);
    expect(await after(22.8)).toEqual(['dead']);
    expect(await after(0.2)).toEqual([]);
  });

  test('sends what waits for a removed endpoint when it is back, or gives it up after three days', async () => {
    const without = secondProcess(service, [{ name: 'crm', url: crm.url, secrets: [crm.secret] }]);
    const early = await organizationWithNotices(1);
    service.clock.advance(2 * DAY);
    const late = await organizationWithNotices(1);
    const sweep = ({ background }: Pick<typeof service, 'background'>) => background.runOnce('sweep_notices');
    const ofAudit = (id: string) => outboxOf(service, id).where({ endpoint: 'audit' });
    service.clock.advance(DAY + 1_000);
    await sweep(service);
    expect(await ofAudit(early.id)).toMatchObject([{ status: 'waiting' }]);
    await sweep(without);
    expect(await ofAudit(early.id)).toMatchObject([
      { status: 'dead', last_failure: 'this endpoint is not configured' },
    ]);
    await deliver(service, 'audit');
    expect(keysOf(audit.takenOf(late.id))).toEqual(late.ids);
    expect(audit.takenOf(early.id)).toEqual([]);
  });

  test('counts deliveries by outcome and measures the oldest', async () => {
    await service.db('outbox').where({ status: 'waiting' }).delete();
    await organizationWithNotices(1);
    service.clock.advance(90_000);
    const metrics = await metricsOf(service);
    expect(metrics).toMatch(/latchkey_notices_total\{endpoint="crm",type="api_key.created",outcome="delivered"\} \d+/);
    expect(metrics).toMatch(/latchkey_notices_total\{endpoint="crm",type="api_key.created",outcome="dead"\} 1/);
    expect(Number(/latchkey_notices_oldest_seconds\{endpoint="crm"\} ([\d.]+)/.exec(metrics)?.[1])).toBeGreaterThan(89);
  });

  test('applies billing while no endpoint answers', async () => {
    const { id } = await service.organizations.add(null);
    crm.answerWith(() => 500);
    for (const status of ['active', 'past_due', 'active'])
      await call(service, 'PUT', `/v1/organizations/${id}/billing`, { token: SERVICE_TOKEN, body: { status } });
    await deliver(service);
    crm.answerWith(() => 200);
    service.clock.advance(5_000);
    await deliver(service);
    expect(crm.takenOf(id).map(({ body }) => body.data.details['to'])).toEqual(['active', 'past_due', 'active']);
  });
});
