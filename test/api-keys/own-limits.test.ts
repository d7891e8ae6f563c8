import { describe, expect, test } from 'vitest';
import { call, createKey, outcome, requestKey } from '../support/api.ts';
import type { Answer } from '../support/api.ts';
import { startService } from '../support/service.ts';

const MINUTE = { limit: 100, window_seconds: 60 };
const service = await startService(
  {},
  { plans: [{ name: 'small', key_limit: 10, rate_limit: MINUTE, concurrency: 5, max_concurrency: 8 }] },
);

const patch = (token: string, id: string, body: unknown) =>
  call(service, 'PATCH', `/v1/api-keys/${id}`, { token, body });
const fieldsOf = ({ body }: Answer) => Object.keys(body.error.details?.['fields'] as object);
const owner = async (plan = 'small') => (await service.organizations.add({ status: 'active', plan })).session();

describe("POST /v1/api-keys with a key's own limits", () => {
  test('shows null limits on a key that was given none', async () => {
    expect(await createKey(service, await owner())).toMatchObject({ rate_limit: null, concurrency: null });
  });

  test.each([
    ['up to the maximum', 'small', { rate_limit: MINUTE, concurrency: 8 }],
    ['anything where the plan has no maximum', 'standard', { rate_limit: { limit: 10_000_000, window_seconds: 1 } }],
  ])('accepts %s', async (_what, plan, limits) => {
    expect(await createKey(service, await owner(plan), limits)).toMatchObject(limits);
  });

  test.each([
    [{ rate_limit: { limit: 0, window_seconds: 60 } }, 'rate_limit.limit'],
    [{ rate_limit: { limit: 1.5, window_seconds: 60 } }, 'rate_limit.limit'],
    [{ rate_limit: { limit: 10_000_001, window_seconds: 60 } }, 'rate_limit.limit'],
    [{ rate_limit: { limit: 1, window_seconds: 86_401 } }, 'rate_limit.window_seconds'],
    [{ rate_limit: { limit: 1 } }, 'rate_limit.window_seconds'],
    [{ rate_limit: { limit: 1, window_seconds: 1, burst: 2 } }, 'rate_limit.burst'],
    [{ rate_limit: 'none' }, 'rate_limit'],
    [{ concurrency: 0 }, 'concurrency'],
    [{ concurrency: '5' }, 'concurrency'],
  ])('returns 400 on the field for %j', async (limits, field) => {
    const answer = await requestKey(service, await owner('standard'), limits);
    expect(outcome(answer)).toEqual([400, 'validation_error']);
    expect(fieldsOf(answer)).toEqual([field]);
  });
});

describe("POST /v1/api-keys and PATCH /v1/api-keys/{id} with a key's own limits", () => {
  test('stores, shows, rotates, changes and clears them', async () => {
    const token = await owner();
    const rate = { limit: 10, window_seconds: 60 };
    const key = await createKey(service, token, { rate_limit: rate, concurrency: 2 });
    expect(key).toMatchObject({ rate_limit: rate, concurrency: 2 });
    const rotated = await call(service, 'POST', `/v1/api-keys/${key.id}/rotate`, { token, body: {} });
    expect(rotated.body).toMatchObject({ rate_limit: rate, concurrency: 2 });
    const id = String(rotated.body['id']);
    const wider = { limit: 50, window_seconds: 60 };
    expect((await patch(token, id, { rate_limit: wider, concurrency: null })).body).toMatchObject({
      rate_limit: wider,
      concurrency: null,
    });
    expect((await patch(token, id, { rate_limit: null })).body).toMatchObject({ rate_limit: null });
  });

  test('audits the limits that are set and the values that they change to', async () => {
    const token = await owner();
    const key = await createKey(service, token, { concurrency: 2 });
    await patch(token, key.id, { rate_limit: { limit: 5, window_seconds: 1200 }, label: 'slow' });
    const { body } = await call(service, 'GET', '/v1/audit-events', { token });
    expect(body.data[0]).toMatchObject({
      details: { changed: ['label', 'rate_limit'], rate_limit: { limit: 5, window_seconds: 1200 } },
    });
    expect(body.data[1]).toMatchObject({ details: { concurrency: 2 } });
  });

  test.each([
    ['more requests than the plan allows', { rate_limit: { limit: 101, window_seconds: 60 } }, 'rate_limit'],
    ['the same number in less time', { rate_limit: { limit: 100, window_seconds: 59 } }, 'rate_limit'],
    [
      'bursts beyond the plan, seldom as they are',
      { rate_limit: { limit: 101, window_seconds: 86_400 } },
      'rate_limit',
    ],
    ['more at a time than the plan allows', { concurrency: 9 }, 'concurrency'],
  ])('returns 400 on create and on change for %s', async (_what, limits, field) => {
    const token = await owner();
    const { id } = await createKey(service, token);
    for (const answer of [await requestKey(service, token, limits), await patch(token, id, limits)]) {
      expect(outcome(answer)).toEqual([400, 'validation_error']);
      expect(fieldsOf(answer)).toEqual([field]);
    }
    const { body } = await call(service, 'GET', '/v1/api-keys', { token });
    expect(body.data).toMatchObject([{ id, rate_limit: null, concurrency: null }]);
  });
});
