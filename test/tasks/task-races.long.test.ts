import { describe, expect, test } from 'vitest';
import { outcome } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { keyWithTasks } from './tasks.ts';

const MAX = 10;
const service = await startService({}, { product: { tasks: { max: MAX, default_seconds: 60 } } });
const replica = await service.replica();
const acme = await service.organizations.add({ status: 'active', plan: 'scale' });
const everywhere = [service, replica];
const at = (i: number) => everywhere[i % everywhere.length]!;
const LIMIT = [429, 'task_limit_reached'];

describe('tasks taken on two replicas at once', () => {
  test('are exactly ten of fifty', async () => {
    const key = await keyWithTasks(service, acme);
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => key.take({ name: `n${i}`, at: at(i) })));
    const taken = answers.filter(({ status }) => status === 200).map(({ body }) => String(body['name']));
    expect(taken).toHaveLength(MAX);
    expect(answers.filter(({ status }) => status !== 200).map(outcome)).toEqual(
      Array.from({ length: 40 }, () => LIMIT),
    );
    expect(await key.names()).toEqual(taken.toSorted());
  });

  test('count once under one name, however often it is taken', async () => {
    const key = await keyWithTasks(service, acme);
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => key.take({ name: 'same', at: at(i) })));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(new Set(answers.map(({ body }) => body['taken_at'])).size).toBe(1);
    expect(await key.names()).toEqual(['same']);
  });

  test('take the places of expired tasks once each', async () => {
    const key = await keyWithTasks(service, acme);
    for (let i = 0; i < MAX; i++) await key.take({ name: `old${i}` });
    service.clock.advance(60_000);
    const renewing = Array.from({ length: MAX }, (_, i) => key.renew({ name: `old${i}`, at: at(i) }));
    const taking = Array.from({ length: 30 }, (_, i) => key.take({ name: `new${i}`, at: at(i) }));
    expect((await Promise.all(renewing)).map(outcome)).toEqual(
      Array.from({ length: MAX }, () => [404, 'task_not_found']),
    );
    expect((await Promise.all(taking)).filter(({ status }) => status === 200)).toHaveLength(MAX);
  });

  test('never exceed the limit while others are released, renewed and taken anew', async () => {
    const key = await keyWithTasks(service, acme);
    let most = 0;
    const work = async (worker: number) => {
      for (let round = 0; round < 5; round++) {
        const name = `w${worker}`;
        const { status } = await key.take({ name, at: at(worker + round) });
        if (status !== 200) continue;
        most = Math.max(most, (await key.names()).length);
        expect((await key.renew({ name, at: at(worker) })).status).toBe(200);
        await key.release(name);
      }
    };
    await Promise.all(Array.from({ length: 16 }, (_, worker) => work(worker)));
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(MAX);
    expect(await key.names()).toEqual([]);
  });
});
