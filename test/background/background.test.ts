import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { makeBackground } from '../../src/background/background.ts';
import { makeLogger } from '../../src/telemetry/logger.ts';
import { makeMetrics } from '../../src/telemetry/metrics.ts';

test('pauses loops while the database shows no beat, and resumes them', async () => {
  let [isProven, steps] = [true, 0];
  const background = makeBackground({
    loops: [{ name: 'counted', everyMs: 5, step: () => Promise.resolve(void steps++), bulk: 'It counts.' }],
    isProven: () => isProven,
    isPrimary: () => isProven,
    failures: makeMetrics().failures,
    log: makeLogger({ level: 'silent', pretty: false }),
  });
  onTestFinished(() => background.stop());
  background.start();
  await expect.poll(() => steps, { interval: 5 }).toBeGreaterThan(3);
  isProven = false;
  const before = steps;
  await sleep(100);
  expect(steps).toBe(before);
  expect(background.sinceStepSeconds('counted')).toBeGreaterThan(0.05);
  isProven = true;
  await expect.poll(() => steps, { interval: 5 }).toBeGreaterThan(before + 3);
});

test('runs only the loops that catch up while the mirror is behind WorkOS', async () => {
  let [isProven, isPrimary] = [false, true];
  const steps = { reads: 0, works: 0 };
  const bulk = 'It counts.';
  const background = makeBackground({
    loops: [
      { name: 'reads', everyMs: 5, step: () => Promise.resolve(void steps.reads++), catchesUp: true, bulk },
      { name: 'works', everyMs: 5, step: () => Promise.resolve(void steps.works++), bulk },
    ],
    isProven: () => isProven,
    isPrimary: () => isPrimary,
    failures: makeMetrics().failures,
    log: makeLogger({ level: 'silent', pretty: false }),
  });
  onTestFinished(() => background.stop());
  background.start();
  await expect.poll(() => steps.reads, { interval: 5 }).toBeGreaterThan(3);
  expect(steps.works).toBe(0);
  isPrimary = false;
  const before = steps.reads;
  await sleep(50);
  expect(steps.reads).toBe(before);
  [isProven, isPrimary] = [true, true];
  await expect.poll(() => steps.works, { interval: 5 }).toBeGreaterThan(3);
});
