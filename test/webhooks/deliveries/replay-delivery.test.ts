import { describe, expect, test } from 'vitest';
import { call, createKey, outcome } from '../../support/api.ts';
import { deliver } from '../webhook-service.ts';
import { PATH, startWatching } from './watch.ts';

const OK = [200, undefined];

const { crm, service, acme, list, get, replay, replays, failedDelivery } = await startWatching();

describe('POST /v1/webhook-deliveries/{id}/replay', () => {
  test('delivers a failed delivery again, with the same id and body, and records who asked', async () => {
    const id = await failedDelivery();
    const answer = await replay(id);
    expect(outcome(answer)).toEqual(OK);
    expect(answer.body).toMatchObject({ id, status: 'pending', attempts: 0, ended_at: null });
    await deliver(service);
    const [first, second, third] = crm.tries.filter((one) => one.id === id);
    expect([second?.text, third?.text]).toEqual([first?.text, first?.text]);
    expect(await get(id)).toMatchObject({ status: 'delivered' });
    expect(await replays()).toMatchObject([
      {
        actor_kind: 'user',
        actor_id: acme().userId('owner'),
        target_kind: 'webhook_delivery',
        target_id: id,
        details: { type: 'api_key.created', endpoint: 'crm' },
      },
    ]);
  });

  test('delivers what was delivered before once more', async () => {
    await createKey(service, await acme().session());
    await deliver(service);
    const [delivery] = await list();
    expect(outcome(await replay(delivery?.['id']))).toEqual(OK);
    await deliver(service);
    expect(crm.takenOf(acme().id).map(({ id }) => id)).toEqual([delivery?.['id'], delivery?.['id']]);
  });

  test('refuses what is under way, and records nothing', async () => {
    await createKey(service, await acme().session());
    const [pending] = await list();
    const refused = await replay(pending?.['id']);
    expect(outcome(refused)).toEqual([409, 'delivery_not_replayable']);
    expect(refused.body.error.details).toEqual({ reason: 'under_way' });
    crm.answerWith(() => 500);
    await deliver(service);
    expect(outcome(await replay(pending?.['id']))).toEqual([409, 'delivery_not_replayable']);
    expect(await replays()).toEqual([]);
  });

  test('refuses one whose endpoint is no longer configured', async () => {
    const id = await failedDelivery();
    await service.db('outbox').where({ id }).update({ endpoint: 'old' });
    const refused = await replay(id);
    expect(outcome(refused)).toEqual([409, 'delivery_not_replayable']);
    expect(refused.body.error.details).toEqual({ reason: 'endpoint_removed' });
  });

  test('enqueues once of requests at the same time', async () => {
    const id = await failedDelivery();
    const answers = (await Promise.all([replay(id), replay(id), replay(id)])).map(outcome);
    expect(answers.toSorted(([a], [b]) => a - b)).toEqual([
      OK,
      [409, 'delivery_not_replayable'],
      [409, 'delivery_not_replayable'],
    ]);
    expect(await replays()).toHaveLength(1);
  });

  test('gives the same answer again for an Idempotency-Key, also after the delivery', async () => {
    const id = await failedDelivery();
    const headers = { 'idempotency-key': 'replay once' };
    const first = await replay(id, { headers });
    await deliver(service);
    const second = await replay(id, { headers });
    expect([outcome(first), second.body]).toEqual([OK, first.body]);
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    expect(await get(id)).toMatchObject({ status: 'delivered' });
    expect(await replays()).toHaveLength(1);
  });

  test('is bounded for each organization, as changes of keys are', async () => {
    const id = await failedDelivery();
    const answers = [];
    for (let i = 0; i < 20; i++) answers.push(outcome(await replay(id)));
    expect(answers.filter(([status]) => status === 429)).not.toEqual([]);
    expect(answers.at(-1)).toEqual([429, 'rate_limited']);
    const other = await service.organizations.add();
    expect((await call(service, 'POST', `${PATH}/notice_1/replay`, { token: await other.session() })).status).toBe(404);
  });
});
