import { expect, test } from 'vitest';
import { findTracing, traced } from '../../src/telemetry/tracing.ts';

const work = () => Promise.resolve('done');

test('finds no tracing without an SDK, and then wraps nothing', () => {
  expect(findTracing()).toBeUndefined();
  expect(traced(undefined, 'some work', work, () => ({}))).toBe(work);
});
