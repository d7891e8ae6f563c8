import { describe, expect, test } from 'vitest';
import { call, createKey, outcome } from '../../support/api.ts';
import { deliver, outboxOf } from '../webhook-service.ts';
import { PATH, startWatching } from './watch.ts';

const DAY = 24 * 60 * 60_000;
const NOT_FOUND = [404, 'webhook_delivery_not_found'];

const { crm, service, acme, ask, list, get, replay, failedDelivery } = await startWatching();

const timesOf = ({ created_at, ended_at }: { created_at: Date; ended_at: Date }) => ({
  created_at: created_at.toISOString(),
  ended_at: ended_at.toISOString(),
});

describe('GET /v1/webhook-deliveries', () => {
  test('shows what waits, is tried again, is delivered and is given up, newest first', async () => {
    await createKey(service, await acme().session());
    const [{ created_at: writtenAt }] = await outboxOf(service, acme().id).where({ endpoint: 'crm' });
    const shown = {
      id: expect.stringMatching(/^notice_\w{26}$/),
      type: 'api_key.created',
      endpoint: { name: 'crm', origin: new URL(crm.url).origin },
      created_at: writtenAt.toISOString(),
    };
    const unanswered = { last_response_status: null, last_error: null };
    expect(await list()).toEqual([
      {
        ...shown,
        ...unanswered,
        status: 'pending',
        attempts: 0,
        ended_at: null,
        next_attempt_at: writtenAt.toISOString(),
      },
    ]);

    crm.answerWith(() => 503);
    await deliver(service);
    const [retrying] = await list();
    const refused = { last_response_status: 503, last_error: 'http_error' };
    const failed = { ...shown, ...refused };
    expect(retrying).toEqual({
      ...failed,
      status: 'retrying',
      attempts: 1,
      ended_at: null,
      next_attempt_at: expect.any(String),
    });
    const waitMs = new Date(String(retrying?.['next_attempt_at'])).getTime() - writtenAt.getTime();
    expect(waitMs).toBeGreaterThanOrEqual(2_500);
    expect(waitMs).toBeLessThanOrEqual(5_000);

    service.clock.advance(3 * DAY);
    await deliver(service);
    crm.answerWith(() => 204);
    await createKey(service, await acme().session());
    await deliver(service);
    const rows = await outboxOf(service, acme().id).where({ endpoint: 'crm' });
    expect(await list()).toEqual([
      {
        ...shown,
        ...timesOf(rows[1]),
        status: 'delivered',
        attempts: 1,
        next_attempt_at: null,
        last_response_status: 204,
        last_error: null,
      },
      { ...failed, ...timesOf(rows[0]), status: 'failed', attempts: 2, next_attempt_at: null },
    ]);
  });

  test('filters by status, type and time, and pages in both directions', async () => {
    const token = await acme().session();
    const keys = [];
    for (let i = 0; i < 3; i++) {
      keys.push(await createKey(service, token));
      service.clock.advance(1_000);
    }
    await deliver(service);
    const between = service.clock().toISOString();
    await call(service, 'DELETE', `/v1/api-keys/${keys[0]!.id}`, { token });
    const all = (await list()).map(({ id }) => id);
    expect(all).toHaveLength(5);
    const idsOf = async (query: string) => (await list(query)).map(({ id }) => id);

    expect(await idsOf('?status=delivered')).toEqual(all.slice(2));
    expect(await idsOf('?status=pending')).toEqual(all.slice(0, 2));
    expect(await idsOf('?status=retrying')).toEqual([]);
    expect(await idsOf('?type=api_key.revoked')).toEqual(all.slice(0, 2));
    expect(await idsOf('?type=api_key.created&status=pending')).toEqual([]);
    expect(await idsOf(`?from=${between}`)).toEqual(all.slice(0, 2));
    expect(await idsOf(`?to=${between}`)).toEqual(all.slice(2));
    expect(await idsOf(`?limit=2&after=${String(all[0])}`)).toEqual(all.slice(1, 3));
    expect(await idsOf(`?limit=2&before=${String(all[4])}`)).toEqual(all.slice(2, 4));
    expect(await idsOf(`?limit=1&status=delivered&after=${String(all[0])}`)).toEqual(all.slice(2, 3));
  });

  test('refuses filters that nothing can pass', async () => {
    for (const query of [
      '?status=dead',
      '?type=nothing',
      '?from=yesterday',
      `?from=2027-01-02T00:00:00Z&to=2027-01-01T00:00:00Z`,
      '?after=notice_00000000000000000000000000',
    ])
      expect(outcome(await ask('GET', PATH + query))).toEqual([400, 'validation_error']);
  });

  test('shows no body, path, query or secret, and nothing that is forwarded to WorkOS', async () => {
    await createKey(service, await acme().session(), { label: 'the label of the key' });
    await deliver(service);
    const { body } = await ask('GET', PATH);
    expect(body.data).toHaveLength(1);
    const text = JSON.stringify([body, await get(body.data[0]?.['id'])]);
    for (const hidden of ['a-secret-path', 'a-secret-token', crm.secret, 'the label of the key', 'workos'])
      expect(text).not.toContain(hidden);
    expect((await outboxOf(service, acme().id)).map(({ endpoint }) => endpoint)).toContain('workos');
    const forwarded = await outboxOf(service, acme().id).where({ endpoint: 'workos' }).first();
    expect(outcome(await ask('GET', `${PATH}/${forwarded.id}`))).toEqual(NOT_FOUND);
    expect(outcome(await replay(forwarded.id))).toEqual(NOT_FOUND);
  });

  test('says that a delivery was given up because its endpoint is gone', async () => {
    await createKey(service, await acme().session());
    await deliver(service);
    const [row] = await outboxOf(service, acme().id).where({ endpoint: 'crm' });
    const failed = { status: 'dead', last_failure: 'this endpoint is not configured', endpoint: 'old' };
    await service.db('outbox').where({ id: row.id }).update(failed);
    expect(await list()).toMatchObject([
      { status: 'failed', endpoint: { name: 'old', origin: null }, last_error: 'endpoint_removed' },
    ]);
  });
});

describe('GET /v1/webhook-deliveries/{id}', () => {
  test('has the last 20 attempts, newest first, and keeps them over a replay', async () => {
    const id = await failedDelivery();
    const row = await outboxOf(service, acme().id).where({ id }).first();
    expect(row.recent_attempts).toHaveLength(2);
    await replay(id);
    await deliver(service);
    const { recent_attempts: attempts, ...delivery } = await get(id);
    expect(delivery).toMatchObject({
      id,
      status: 'delivered',
      attempts: 1,
      last_response_status: 200,
      last_error: null,
    });
    expect(attempts).toEqual([
      { at: delivery['ended_at'], response_status: 200, error: null },
      { at: row.ended_at.toISOString(), response_status: 500, error: 'http_error' },
      { at: expect.any(String), response_status: 500, error: 'http_error' },
    ]);

    const many = Array.from({ length: 20 }, (_, i) => ({
      at: `2027-01-01T00:00:${i + 10}.000Z`,
      status: i,
      error: null,
    }));
    await service
      .db('outbox')
      .where({ id })
      .update({ recent_attempts: JSON.stringify(many) });
    await replay(id);
    await deliver(service);
    const after = (await get(id))['recent_attempts'] as { response_status: number }[];
    expect(after.map(({ response_status: status }) => status)).toEqual([
      200,
      ...many
        .map(({ status }) => status)
        .toReversed()
        .slice(0, 19),
    ]);
  });

  test('returns 404 for an id that is none of its own', async () => {
    const other = await service.organizations.add();
    await createKey(service, await other.session());
    const theirs = await outboxOf(service, other.id).where({ endpoint: 'crm' }).first();
    for (const id of [theirs.id, 'notice_00000000000000000000000000', 'a%20b'])
      expect(outcome(await ask('GET', `${PATH}/${id}`))).toEqual(NOT_FOUND);
    expect(outcome(await replay(theirs.id))).toEqual(NOT_FOUND);
  });
});
