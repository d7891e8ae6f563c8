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
