import { expect, onTestFinished, test } from 'vitest';
import { connectDatabase } from '../../src/db/connect.ts';
import { freshDatabase } from '../support/database.ts';
import { makeGathering, totalIn, use } from '../usage/gather.ts';

const KEYS = 3_000;
const ROUNDS = 8;

test('replicas that write the same keys in other orders add up, and none ever has to give way', async () => {
  const { db, url, close } = await freshDatabase();
  onTestFinished(close);
  if (url === undefined) throw new Error('this test needs TEST_DATABASE_URL: replicas share a server');
  const failures: unknown[] = [];
  const replicas = [0, 1, 2].map((n) => {
    const own = connectDatabase({ url, poolMax: 2 });
    onTestFinished(() => own.destroy());
    own.on('query-error', (error: unknown) => failures.push(error));
    return { ...makeGathering(own), step: [1, KEYS - 1, 7][n]! };
  });
  const work = replicas.map(async ({ note, flush, step }) => {
    for (let round = 0; round < ROUNDS; round++) {
      for (let i = 0; i < KEYS; i++) note(use({ keyId: `api_key_${(i * step) % KEYS}` }));
      await flush();
    }
  });
  await Promise.all(work);
  expect(failures).toEqual([]);
  expect(await totalIn(db)).toBe(replicas.length * ROUNDS * KEYS);
  const counts = await db('usage_counts').distinct('count').pluck('count');
  expect(counts).toEqual([String(replicas.length * ROUNDS)]);
});
