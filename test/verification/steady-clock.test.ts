import { setTimeout as sleep } from 'node:timers/promises';
import * as fc from 'fast-check';
import { Registry } from 'prom-client';
import { expect, onTestFinished, test, vi } from 'vitest';
import { makeSteadyClock } from '../../src/clock.ts';
import { makeContainer } from '../../src/app/container.ts';
import { makeServiceClock } from '../../src/app/service-clock.ts';
import { listen } from '../../src/http/server/server.ts';
import { call, createKey } from '../support/api.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const START = Date.UTC(2026, 0, 1);

function makeHost() {
  let wall = START;
  let monotonic = 0;
  return {
    sources: { wallMs: () => wall, monotonicMs: () => monotonic },
    wall: () => wall,
    pass(milliseconds: number) {
      wall += milliseconds;
      monotonic += milliseconds;
    },
    step(milliseconds: number) {
      wall += milliseconds;
    },
  };
}

function makeClock() {
  const host = makeHost();
  const steps: number[] = [];
  const clock = makeSteadyClock({ ...host.sources, onStepBack: (milliseconds) => steps.push(milliseconds) });
  return { ...host, steps, clock, now: () => clock().getTime() };
}

test('follows the wall clock while that runs', () => {
  const { pass, wall, now, clock, steps } = makeClock();
  for (const milliseconds of [1, 500, HOUR, 30 * 24 * HOUR]) {
    pass(milliseconds);
    expect(now()).toBe(wall());
  }
  expect([clock.aheadMs(), steps]).toEqual([0, []]);
});

test('after a step back it goes on, a tenth slower, until the wall clock has caught up', () => {
  const { pass, step, wall, now, clock, steps } = makeClock();
  pass(HOUR);
  now();
  step(-2 * MINUTE);
  expect(now()).toBe(START + HOUR);
  pass(MINUTE);
  expect(now()).toBe(START + HOUR + 0.9 * MINUTE);
  expect(clock.aheadMs()).toBe(2 * MINUTE - 0.1 * MINUTE);
  pass(30 * MINUTE);
  expect(now()).toBe(wall());
  expect([clock.aheadMs(), steps]).toEqual([0, [2 * MINUTE]]);
  step(-5 * SECOND);
  now();
  expect(steps).toEqual([2 * MINUTE, 5 * SECOND]);
});

test('a step forward counts at once; taken back within ten minutes it was a mistake, later it was none', () => {
  const { pass, step, wall, now, steps } = makeClock();
  step(HOUR);
  expect(now()).toBe(START + HOUR);
  pass(9 * MINUTE);
  now();
  step(-HOUR);
  expect([now(), now() === wall(), steps]).toEqual([START + 9 * MINUTE, true, []]);
  step(HOUR);
  now();
  for (let minute = 0; minute < 10; minute++) {
    pass(MINUTE);
    now();
  }
  step(-HOUR);
  expect([now(), steps]).toEqual([START + HOUR + 19 * MINUTE, [HOUR]]);
});

test('a step back that is noticed late makes nothing of the time before live longer', () => {
  const { pass, step, now } = makeClock();
  pass(HOUR);
  step(-2 * HOUR);
  expect(now()).toBe(START + HOUR);
  pass(HOUR);
  expect(now()).toBe(START + 1.9 * HOUR);
});

test('what takes back more than the step forward that was a mistake ends at the moment that was right', () => {
  const { step, now, steps } = makeClock();
  step(HOUR);
  now();
  step(-2 * HOUR);
  expect([now(), steps]).toEqual([START, [HOUR]]);
});

test('is never behind the wall clock, and never goes back while no step forward is young', () => {
  const event = fc.oneof(
    fc.record({ pass: fc.integer({ min: 0, max: HOUR }) }),
    fc.record({ back: fc.integer({ min: 1, max: HOUR }) }),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 50 }), (events) => {
      const { pass, step, wall, now } = makeClock();
      let last = now();
      for (const one of events) {
        if ('pass' in one) pass(one.pass);
        else step(-one.back);
        const read = now();
        expect(read).toBeGreaterThanOrEqual(Math.max(last, wall()));
        last = read;
      }
    }),
  );
});

test('a step back is logged once, and a gauge says how far the process is ahead', async () => {
  const host = makeHost();
  const registry = new Registry();
  const lines: unknown[] = [];
  const log = { warn: (...line: unknown[]) => void lines.push(line) };
  const clock = makeServiceClock({ metrics: { registry }, log, sources: host.sources });
  host.step(-2 * MINUTE);
  clock();
  clock();
  expect(lines).toEqual([[{ milliseconds: 2 * MINUTE }, 'wall clock stepped back; continuing by the monotonic clock']]);
  expect(await registry.metrics()).toMatch(/latchkey_clock_ahead_seconds\{clock="process"\} 120\n/);
});

const service = await startService();

test('a key that has expired stays so when the clock of the host steps back', async () => {
  const acme = await service.organizations.add();
  const { id, value: key } = await createKey(service, await acme.session('owner'));
  const startedAt = Date.now();
  await service
    .db('api_keys')
    .where({ workos_id: id })
    .update({ expires_at: new Date(startedAt + HOUR) });
  vi.useFakeTimers({ toFake: ['Date'], now: startedAt + HOUR - 2 * SECOND });
  onTestFinished(() => void vi.useRealTimers());
  const { clock: _ofTests, ...parts } = service.parts;
  const { app } = makeContainer({ ...parts, alone: true, strict: true });
  const server = await listen(app, { host: '127.0.0.1', port: 0 });
  onTestFinished(() => server.close(SECOND));
  const verdict = async () =>
    (await call(server, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body: { key } })).body['code'];
  expect(await verdict()).toBe('valid');
  await sleep(2_300);
  vi.setSystemTime(startedAt + HOUR + 300);
  expect(await verdict()).toBe('expired');
  vi.setSystemTime(startedAt + HOUR - 2 * MINUTE);
  expect(await verdict()).toBe('expired');
}, 30_000);
