import { describe, expect, test } from 'vitest';
import { outcome } from '../support/api.ts';
import { makeMortal } from '../support/mortal-database.ts';
import { startService } from '../support/service.ts';
import { keyWithTasks } from './tasks.ts';

const MAX = 10;
const MAX_STATEMENTS = 30;
const service = await startService({}, { product: { tasks: { max: MAX, default_seconds: 60 } } });
const acme = await service.organizations.add({ status: 'active', plan: 'scale' });
const LIMIT = [429, 'task_limit_reached'];

describe('POST /v1/tasks, whose process dies at any statement', () => {
  const mortal = makeMortal(service.db);

  test('leaves the whole task or nothing, and the next take counts exactly', async () => {
    const trials: { hasDied: boolean; left: unknown[] }[] = [];
    do {
      const key = await keyWithTasks(service, acme);
      for (let i = 1; i < MAX; i++) await key.take({ name: `n${i}` });
      mortal.dieAfter(trials.length + 1);
      await key.take({ name: 'last' });
      const hasDied = mortal.revive();
      const left = (await key.names()).filter((name) => name === 'last');
      trials.push({ hasDied, left });
      expect((await key.take({ name: 'last' })).status).toBe(200);
      expect(outcome(await key.take({ name: 'one-more' }))).toEqual(LIMIT);
    } while (trials.at(-1)!.hasDied && trials.length < MAX_STATEMENTS);
    expect(trials.pop()).toEqual({ hasDied: false, left: ['last'] });
    const done = trials.filter(({ left }) => left.length === 1);
    // All but the death whose commit was carried out.
    expect([trials.length > 5, done.length]).toEqual([true, 1]);
    expect(trials.at(-1)).toEqual(done[0]);
  });
});
