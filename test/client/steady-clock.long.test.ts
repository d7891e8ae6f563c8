import * as fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { makeSteadyClock } from '../../src/client/guard/steady-clock.ts';
import { makeSteadyClock as makeClockOfService } from '../../src/clock.ts';
import { createKey } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { startConsumer, warm } from './consumer.ts';
import type { Consumer } from './consumer.ts';

const SECOND_MS = 1_000;
const TEN_MINUTES_MS = 600_000;
const HOUR_MS = 6 * TEN_MINUTES_MS;
const LOOKING = { interval: 50, timeout: 10_000 };
const service = await startService();

/** Steps the host's wall clock back, and Latchkey's with it: nothing but the middleware's own clock knows better. */
function stepBack(milliseconds: number): void {
  const { now } = Date;
  Date.now = () => now() - milliseconds;
  onTestFinished(() => {
    Date.now = now;
  });
}

async function makeKey(billing: Parameters<typeof service.organizations.add>[0] = { status: 'active', plan: 'scale' }) {
  const acme = await service.organizations.add(billing);
  return createKey(service, await acme.session('owner'));
}

const statusOf = (consumer: Consumer, key: { value: string }) => async () => (await consumer.ask(key.value)).status;

test('an expired key stays expired when the wall clock goes back, cached or not', async () => {
  const consumer = await startConsumer(service);
  const key = await makeKey();
  const expires_at = new Date(Date.now() + 3 * SECOND_MS);
  await service.db('api_keys').where({ workos_id: key.id }).update({ expires_at });
  service.trust.onNotification(undefined);
  await warm(consumer, key.value);
  await expect.poll(statusOf(consumer, key), LOOKING).toBe(401);
  const asked = consumer.questions();
  stepBack(TEN_MINUTES_MS);
  expect(await consumer.ask(key.value)).toMatchObject({ status: 401, code: 'credential_expired' });
  expect(consumer.questions()).toBe(asked);
  // Latchkey's clock is wrong here: its answer brings nothing back.
  service.trust.onNotification(undefined);
  const askAgain = async () => {
    expect(await consumer.ask(key.value)).toMatchObject({ status: 401, code: 'credential_expired' });
    return consumer.questions();
  };
  await expect.poll(askAgain, LOOKING).toBeGreaterThan(asked);
});

test('a posture that ended by the clock makes the request call Latchkey', async () => {
  const consumer = await startConsumer(service);
  const trialEndsAt = new Date(service.clock().getTime() + 3 * SECOND_MS);
  const key = await makeKey({ status: 'trial', trialEndsAt });
  await warm(consumer, key.value);
  const create = () => consumer.ask(key.value, '/tasks', { method: 'POST' });
  const asked = consumer.questions();
  await create();
  expect(consumer.questions()).toBe(asked);
  await expect.poll(() => Date.now(), LOOKING).toBeGreaterThan(trialEndsAt.getTime());
  stepBack(TEN_MINUTES_MS);
  await create();
  await create();
  expect(consumer.questions()).toBe(asked + 2);
});

test('a step of the wall clock extends neither the cache nor staleGraceMs', async () => {
  let isDown = false;
  const consumer = await startConsumer({
    ...service,
    cache: { ttlMs: 500, staleGraceMs: 500 },
    verdict: (answer) => (isDown ? Promise.reject(new Error('cut off')) : answer()),
  });
  const key = await makeKey();
  await warm(consumer, key.value);
  const asked = consumer.questions();
  stepBack(TEN_MINUTES_MS);
  await expect.poll(async () => (await consumer.ask(key.value), consumer.questions()), LOOKING).toBeGreaterThan(asked);
  isDown = true;
  await expect.poll(statusOf(consumer, key), LOOKING).toBe(503);
});

test('makeSteadyClock reads as the clock of the service', () => {
  const milliseconds = fc.integer({ min: 0, max: HOUR_MS });
  const event = fc.record({ pass: milliseconds, step: fc.integer({ min: -HOUR_MS, max: HOUR_MS }) });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 50 }), (events) => {
      let [wall, monotonic] = [Date.UTC(2026, 0, 1), 0];
      const sources = { wallMs: () => wall, monotonicMs: () => monotonic };
      const clocks = { middleware: makeSteadyClock(sources), service: makeClockOfService(sources) };
      for (const { pass, step } of events) {
        monotonic += pass;
        wall += pass + step;
        // A date has whole milliseconds.
        expect(Math.trunc(clocks.middleware())).toBe(clocks.service().getTime());
      }
    }),
  );
});
