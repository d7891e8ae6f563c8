import { expect, test } from 'vitest';
import { WorkosFailure } from '../../src/workos/failure.ts';
import { WorkosAnswer } from '../../src/workos/answers/read-answer.ts';
import { makeResilience } from '../../src/workos/resilience.ts';
import type { Operation } from '../../src/workos/resilience.ts';

const calm = () => makeResilience({ breakerFailures: 10_000 }).resilient;
const never = () => new Promise<never>(() => undefined);

/** Work that fails with these errors, one after the other, then succeeds; and when it was asked for. */
function failing(errors: readonly Error[]) {
  const askedAt: number[] = [];
  return {
    askedAt,
    run: async () => {
      askedAt.push(performance.now());
      const error = errors[askedAt.length - 1];
      if (error) throw error;
      return 'done';
    },
  };
}

const answered = (status: number, retryAfter?: number) => new WorkosAnswer({ status, retryAfter });
const outage = () => new Error('socket hang up');

test.each<[Operation, number]>([
  ['create_key', 1],
  ['validate_key', 1],
  ['delete_key', 1],
  ['expire_key', 1],
  ['get_user', 2],
  ['list_memberships', 2],
  ['list_keys', 4],
  ['list_events', 3],
])('%s is tried %i times at most', async (operation, tries) => {
  const work = failing(Array.from({ length: 10 }, outage));
  await expect(calm()(operation, work.run)).rejects.toMatchObject({ code: 'workos_unavailable', outcome: 'unknown' });
  expect(work.askedAt).toHaveLength(tries);
});

test.concurrent.each<[Operation, number]>([
  ['validate_key', 2_000],
  ['get_user', 3_000],
  ['create_key', 5_000],
])('%s that is never answered is given up after %i ms, its outcome unknown', async (operation, budgetMs) => {
  const from = performance.now();
  await expect(calm()(operation, never)).rejects.toMatchObject({ code: 'workos_unavailable', outcome: 'unknown' });
  const elapsed = performance.now() - from;
  expect(elapsed).toBeGreaterThan(budgetMs - 100);
  expect(elapsed).toBeLessThan(budgetMs + 1_000);
});

test('what works the second time is a success', async () => {
  const work = failing([outage()]);
  await expect(calm()('list_keys', work.run)).resolves.toBe('done');
  expect(work.askedAt).toHaveLength(2);
});

test('429 waits as long as WorkOS asks before it tries again', async () => {
  const work = failing([answered(429, 1)]);
  await expect(calm()('list_events', work.run)).resolves.toBe('done');
  expect(work.askedAt[1]! - work.askedAt[0]!).toBeGreaterThanOrEqual(990);
});

test('429 that asks for more than the budget is left at once, and passed on', async () => {
  const work = failing([answered(429, 60)]);
  await expect(calm()('list_events', work.run)).rejects.toMatchObject({
    workosStatus: 429,
    outcome: 'refused',
    retryAfterSeconds: 60,
  });
  expect(work.askedAt).toHaveLength(1);
});

test.each([400, 401, 403, 404, 409, 422])('%i is an answer: nothing is tried again', async (status) => {
  const work = failing([answered(status)]);
  await expect(calm()('list_keys', work.run)).rejects.toMatchObject({ code: 'workos_rejected', outcome: 'refused' });
  expect(work.askedAt).toHaveLength(1);
});

test('outages in a row open the breaker: nothing is sent, and the outcome is known', async () => {
  const { resilient, assertClosed } = makeResilience({ breakerFailures: 3 });
  const work = failing(Array.from({ length: 10 }, outage));
  for (let i = 0; i < 3; i++) {
    expect(assertClosed).not.toThrow();
    await expect(resilient('create_key', work.run)).rejects.toThrow(WorkosFailure);
  }
  expect(assertClosed).toThrow(WorkosFailure);
  await expect(resilient('create_key', work.run)).rejects.toMatchObject({
    code: 'workos_unavailable',
    outcome: 'refused',
    retryAfterSeconds: 3,
  });
  expect(work.askedAt).toHaveLength(3);
});

test.each([
  ['a refusal', answered(422)],
  ['a wish for fewer requests', answered(429)],
])('%s is no outage and opens no breaker', async (_what, error) => {
  const { resilient, assertClosed } = makeResilience({ breakerFailures: 3 });
  const work = failing(Array.from({ length: 10 }, () => error));
  for (let i = 0; i < 10; i++) await expect(resilient('create_key', work.run)).rejects.toThrow(WorkosFailure);
  expect(assertClosed).not.toThrow();
  expect(work.askedAt).toHaveLength(10);
});
