import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { startConsumer, warm } from '../client/consumer.ts';
import { call, createKey, outcome } from '../support/api.ts';
import type { CreatedKey } from '../support/api.ts';
import type { Organization } from '../support/organizations.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';

const DAY_MS = 86_400_000;
// Postures in which keys may not even read, in which nobody but keys may, and in which organizations may go on adding.
const service = await startService(
  {},
  {
    billing: {
      grace_days: { past_due: 2 },
      postures: {
        trial_expired: { keys: ['wind_down'] },
        past_due: { api: ['wind_down'] },
        decommissioning: { api: ['read', 'create', 'wind_down'] },
      },
    },
  },
);
const { clock } = service;

const OPERATIONS = ['read', 'create', 'wind_down'] as const;
const METHODS = { read: 'GET', create: 'POST', wind_down: 'DELETE' } as const;
const inDays = (days: number) => new Date(clock().getTime() + days * DAY_MS).toISOString();
const put = async (acme: Organization, body: object) => {
  const path = `/v1/organizations/${acme.id}/billing`;
  expect((await call(service, 'PUT', path, { token: SERVICE_TOKEN, body })).status).toBe(200);
};
const start = async () => {
  const acme = await service.organizations.add();
  return { acme, key: await createKey(service, await acme.session(), { permission_set: 'full_access' }) };
};

/** What each way of asking lets pass, in the order of `OPERATIONS`. */
async function verified({ value }: CreatedKey): Promise<string[]> {
  const ask = (operation: string) =>
    call(service, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body: { key: value, operation } });
  return (await Promise.all(OPERATIONS.map(ask))).map(({ body }) => String(body['code']));
}
async function forwarded({ value }: CreatedKey): Promise<number[]> {
  const ask = (operation: string) =>
    call(service, 'GET', `/v1/auth/forward?operation=${operation}`, { headers: { 'x-api-key': value } });
  return (await Promise.all(OPERATIONS.map(ask))).map(({ status }) => status);
}
async function passedByMiddleware(
  { ask }: Pick<Awaited<ReturnType<typeof startConsumer>>, 'ask'>,
  { value }: CreatedKey,
): Promise<number[]> {
  const answers = await Promise.all(
    OPERATIONS.map((operation) => ask(value, '/tasks', { method: METHODS[operation] })),
  );
  return answers.map(({ status }) => status);
}

describe('POST /v1/api-keys/verify, GET /v1/auth/forward and the middleware', () => {
  test.each([
    ['past_due, after its days of grace', { status: 'past_due', occurred_at: inDays(-3) }, [true, false, true]],
    ['past_due, within them', { status: 'past_due' }, [true, true, true]],
    ['in trial', { status: 'trial', trial_ends_at: inDays(3) }, [true, true, true]],
    ['in a trial that is over', { status: 'trial', trial_ends_at: inDays(-1) }, [false, false, true]],
    ['decommissioning', { status: 'decommissioning' }, [true, false, true]],
  ])('agree on what the keys of an organization that is %s may', async (_what, billing, allowed) => {
    const { acme, key } = await start();
    const consumer = await startConsumer(service);
    await warm(consumer, key.value);
    await put(acme, billing);
    const statuses = allowed.map((passes) => (passes ? 200 : 423));
    // Once read from the mirror, and once from memory.
    expect(await forwarded(key)).toEqual(statuses);
    expect(await verified(key)).toEqual(allowed.map((passes) => (passes ? 'valid' : 'billing_inactive')));
    expect(await forwarded(key)).toEqual(statuses);
    await expect.poll(() => passedByMiddleware(consumer, key), { interval: 5 }).toEqual(statuses);
    expect(await passedByMiddleware(await startConsumer(service), key)).toEqual(statuses);
  });
});

describe("the routes' own rules", () => {
  test('refuse reads of an organization whose keys may read, with a session or a key', async () => {
    const { acme, key } = await start();
    await put(acme, { status: 'past_due', occurred_at: inDays(-3) });
    expect(await verified(key)).toEqual(['valid', 'billing_inactive', 'valid']);
    for (const token of [await acme.session(), key.value])
      expect(outcome(await call(service, 'GET', '/v1/audit-events', { token }))).toEqual([423, 'billing_inactive']);
  });

  test('allow reads of an organization whose keys may not read, with a session', async () => {
    const { acme, key } = await start();
    await put(acme, { status: 'trial', trial_ends_at: inDays(-1) });
    const owner = await acme.session();
    expect(outcome(await call(service, 'GET', '/v1/api-keys', { token: owner }))).toEqual([200, undefined]);
    const create = { token: owner, body: { label: 'a', permission_set: 'read_only' } };
    expect(outcome(await call(service, 'POST', '/v1/api-keys', create))).toEqual([423, 'billing_inactive']);
    expect(outcome(await call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token: owner }))).toEqual([
      200,
      undefined,
    ]);
  });
});

test('ends the days of grace by the clock, for verification and for routes, without a statement', async () => {
  const { acme, key } = await start();
  await put(acme, { status: 'past_due' });
  const owner = () => acme.session();
  const wanted = { label: 'a', permission_set: 'read_only' };
  const create = async () => call(service, 'POST', '/v1/api-keys', { token: await owner(), body: wanted });
  expect([await verified(key), (await create()).status]).toEqual([['valid', 'valid', 'valid'], 201]);
  clock.advance(2 * DAY_MS);
  expect(await verified(key)).toEqual(['valid', 'billing_inactive', 'valid']);
  expect(await forwarded(key)).toEqual([200, 423, 200]);
  const refused = await create();
  expect([outcome(refused), refused.body.error.details]).toEqual([[423, 'billing_inactive'], { posture: 'past_due' }]);
});

test('ends a trial by the clock in the memory of a middleware, too, without an invalidation', async () => {
  const { acme, key } = await start();
  const consumer = await startConsumer(service);
  // A middleware has the time of its machine, which the service's clock is ahead of by now.
  const end = clock().getTime() + DAY_MS;
  await put(acme, { status: 'trial', trial_ends_at: new Date(end).toISOString() });
  await warm(consumer, key.value);
  const asked = consumer.questions();
  expect(await passedByMiddleware(consumer, key)).toEqual([200, 200, 200]);
  expect(consumer.questions()).toBe(asked);
  vi.useFakeTimers({ toFake: ['Date'], now: end });
  onTestFinished(() => void vi.useRealTimers());
  expect(await passedByMiddleware(consumer, key)).toEqual([423, 423, 200]);
});

describe('POST /v1/api-keys', () => {
  test('allows creation while an organization is decommissioned, if configured, until its keys are revoked', async () => {
    const { acme } = await start();
    await put(acme, { status: 'decommissioning', decommission_at: inDays(1) });
    const wanted = { label: 'a', permission_set: 'read_only' };
    const create = async () => call(service, 'POST', '/v1/api-keys', { token: await acme.session(), body: wanted });
    const allowed = async () =>
      (await call(service, 'GET', '/v1/organization', { token: await acme.session() })).body['allowed'];
    expect((await create()).status).toBe(201);
    expect(await allowed()).toEqual(['read', 'create', 'wind_down']);
    clock.advance(DAY_MS);
    expect(await allowed()).toEqual(['read', 'wind_down']);
    const refused = await create();
    expect([outcome(refused), refused.body.error.details]).toEqual([
      [423, 'billing_inactive'],
      { posture: 'decommissioning' },
    ]);
  });
});
