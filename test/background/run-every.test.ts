import { expect, it } from 'vitest';
import { runEvery } from '../../src/background/run-every.ts';
import { heldOffMs, WorkosFailure } from '../../src/workos/failure.ts';

const limited = (retryAfter: number) => new WorkosFailure('limited', { retryAfter }, { outcome: 'refused' });

/** Runs steps that fail with these errors, until all have; and says when each began and what was reported. */
async function run(errors: readonly Error[], everyMs: number) {
  const ended = new AbortController();
  const startedAt: number[] = [];
  const reported: unknown[] = [];
  const step = (): Promise<void> => {
    startedAt.push(performance.now());
    const error = errors[startedAt.length - 1];
    if (error) return Promise.reject(error);
    ended.abort();
    return Promise.resolve();
  };
  const onError = (_name: string, error: unknown) => void reported.push(error);
  await runEvery(step, { name: 'a loop', everyMs, signal: ended.signal, onError, pauseMs: heldOffMs });
  return { reported, pauses: startedAt.slice(1).map((at, i) => at - startedAt[i]!) };
}

it('pauses as long as WorkOS asks for, without counting a failure', async () => {
  const { reported, pauses } = await run([limited(1)], 10);
  expect(reported).toEqual([]);
  expect(pauses[0]).toBeGreaterThan(750);
});

it('does not lengthen the backoff of later failures', async () => {
  const outage = new WorkosFailure('unavailable', {}, { outcome: 'unknown' });
  const { reported, pauses } = await run([...Array<Error>(3).fill(limited(0.001)), outage], 20);
  expect(reported).toEqual([outage]);
  // One failure doubles the interval, four would make it sixteen times as long.
  expect(pauses.at(-1)).toBeLessThan(200);
});
