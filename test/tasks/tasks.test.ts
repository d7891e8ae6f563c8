import { describe, expect, test } from 'vitest';
import { createLatchkeyClient } from '../../src/client/client.ts';
import { ProductFile } from '../../src/product/product.ts';
import { blocksOf } from '../documents/pages.ts';
import { call, outcome } from '../support/api.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';
import { keyWithTasks, tasksOf } from './tasks.ts';

const service = await startService(
  {},
  { product: { tasks: { max: 3, per: 'key', default_seconds: 60, longest_seconds: 600 } } },
);
const acme = await service.organizations.add({ status: 'active', plan: 'scale' });
/** A time so many seconds from now, give or take what a request takes. */
const later = (seconds: number): unknown =>
  expect.toSatisfy((time: string) => {
    const aheadMs = Date.parse(time) - service.clock().getTime() - seconds * 1_000;
    return aheadMs <= 0 && aheadMs > -5_000;
  });

async function full() {
  const key = await keyWithTasks(service, acme);
  for (const name of ['one', 'two', 'three']) expect((await key.take({ name })).status).toBe(200);
  return key;
}

describe('POST /v1/tasks', () => {
  test('takes a task until its expiry, 60 seconds from now where nothing else is asked', async () => {
    const key = await keyWithTasks(service, acme);
    const taken = await key.take({ name: 'run:1.a~b' });
    const task = { name: 'run:1.a~b', api_key_id: key.id, taken_at: later(0), expires_at: later(60) };
    expect([taken.status, taken.body]).toEqual([200, task]);
    expect((await key.take({ name: 'long', ttl_seconds: 600 })).body).toMatchObject({ expires_at: later(600) });
    expect((await key.list()).body).toMatchObject({ data: [task, { name: 'long' }], limit: 3 });
  });

  test('returns 429 task_limit_reached with the names of the tasks, the first to expire first', async () => {
    const key = await keyWithTasks(service, acme);
    for (const [name, ttl_seconds] of [
      ['slow', 300],
      ['quick', 20],
      ['middle', 90],
    ] as const)
      await key.take({ name, ttl_seconds });
    const refused = await key.take({ name: 'fourth' });
    expect(outcome(refused)).toEqual([429, 'task_limit_reached']);
    expect(refused.body.error.details).toEqual({ limit: 3, tasks: ['quick', 'middle', 'slow'], retry_after: 20 });
    expect(refused.headers.get('retry-after')).toBe('20');
    expect((await key.list()).body.data.map(({ name }) => name)).toEqual(['quick', 'middle', 'slow']);
  });

  test('renews a task that is held, also where no place is free, and counts it once', async () => {
    const key = await full();
    const takenAt = (await key.list()).body.data.find(({ name }) => name === 'two')!['taken_at'];
    service.clock.advance(30_000);
    const again = await key.take({ name: 'two' });
    expect([again.status, again.body]).toMatchObject([200, { taken_at: takenAt, expires_at: later(60) }]);
    expect(await key.names()).toEqual(['one', 'three', 'two']);
    expect(outcome(await key.take({ name: 'four' }))).toEqual([429, 'task_limit_reached']);
  });

  test('has a place again for what was released, and for what has expired', async () => {
    const key = await full();
    expect((await key.release('one')).body).toEqual({ status: 'released' });
    expect((await key.take({ name: 'four' })).status).toBe(200);
    expect((await key.take({ name: 'five' })).status).toBe(429);
    service.clock.advance(60_000);
    expect(await key.names()).toEqual([]);
    for (const name of ['five', 'six', 'seven']) expect((await key.take({ name })).status).toBe(200);
    expect((await key.take({ name: 'eight' })).status).toBe(429);
  });

  test('counts each key of an organization by itself', async () => {
    await full();
    const other = await full();
    expect(await other.names()).toEqual(['one', 'three', 'two']);
  });

  test.each([
    ['no name', { name: undefined }],
    ['a name of a path', { name: '../keys' }],
    ['a name that begins with a dot', { name: '.' }],
    ['a name that is too long', { name: 'a'.repeat(129) }],
    ['an expiry beyond the longest', { ttl_seconds: 601 }],
    ['no lifetime at all', { ttl_seconds: 0 }],
    ['a fraction of a second', { ttl_seconds: 1.5 }],
    ['an organization that is none', { organization_id: 'acme' }],
    ['a key that is none', { api_key_id: 'not a key' }],
    ['an unknown field', { holder: 'me' }],
  ])('returns 400 validation_error for %s', async (_what, fault) => {
    const { key } = await keyWithTasks(service, acme);
    const answer = await call(service, 'POST', '/v1/tasks', {
      token: SERVICE_TOKEN,
      body: { ...key, name: 'good', ...fault },
    });
    expect(outcome(answer)).toEqual([400, 'validation_error']);
  });

  test("returns 404 api_key_not_found for an unknown key, and for another organization's", async () => {
    const { id, key } = await keyWithTasks(service, acme);
    const other = await service.organizations.add();
    for (const place of [
      { ...key, api_key_id: 'api_key_none' },
      { organization_id: other.id, api_key_id: id },
    ]) {
      const wrong = tasksOf(service, place);
      for (const asked of [wrong.take({ name: 'a' }), wrong.renew({ name: 'a' }), wrong.list(), wrong.release('a')])
        expect(outcome(await asked)).toEqual([404, 'api_key_not_found']);
    }
  });
});

describe('POST /v1/tasks/{name}/renew', () => {
  test('moves the expiry, again and again', async () => {
    const key = await keyWithTasks(service, acme);
    await key.take({ name: 'long' });
    for (let i = 0; i < 5; i++) {
      service.clock.advance(50_000);
      const renewed = await key.renew({ name: 'long' });
      expect([renewed.status, renewed.body]).toMatchObject([200, { name: 'long', expires_at: later(60) }]);
    }
    expect((await key.renew({ name: 'long', ttl_seconds: 5 })).body).toMatchObject({ expires_at: later(5) });
  });

  test('repeats the lifetime that the task was last given, unless another one is sent', async () => {
    const key = await keyWithTasks(service, acme);
    await key.take({ name: 'long', ttl_seconds: 600 });
    service.clock.advance(100_000);
    expect((await key.renew({ name: 'long' })).body).toMatchObject({ expires_at: later(600) });
    expect((await key.renew({ name: 'long', ttl_seconds: 300 })).body).toMatchObject({ expires_at: later(300) });
    service.clock.advance(100_000);
    expect((await key.renew({ name: 'long' })).body).toMatchObject({ expires_at: later(300) });
    await key.take({ name: 'long' });
    expect((await key.renew({ name: 'long' })).body).toMatchObject({ expires_at: later(60) });
  });

  test('returns 404 task_not_found for a task that has expired, was released, or was never taken', async () => {
    const key = await full();
    await key.release('two');
    expect(outcome(await key.renew({ name: 'two' }))).toEqual([404, 'task_not_found']);
    expect(outcome(await key.renew({ name: 'never' }))).toEqual([404, 'task_not_found']);
    service.clock.advance(60_000);
    expect(outcome(await key.renew({ name: 'one' }))).toEqual([404, 'task_not_found']);
  });
});

describe('DELETE /v1/tasks/{name}', () => {
  test('answers the same for a task that has ended', async () => {
    const key = await full();
    for (let i = 0; i < 2; i++) expect((await key.release('one')).body).toEqual({ status: 'released' });
    expect(await key.names()).toEqual(['three', 'two']);
  });
});

describe('the loop sweep_tasks', () => {
  test('deletes the rows of expired tasks, and no others', async () => {
    const key = await full();
    await key.take({ name: 'one', ttl_seconds: 600 });
    service.clock.advance(61_000);
    await service.background.runOnce('sweep_tasks');
    const rows = await service.db('tasks').where({ api_key_id: key.id });
    expect(rows).toMatchObject([{ organization_id: acme.id, name: 'one' }]);
  });
});

describe('a product file', () => {
  const { product } = service.parts;

  test('shows its rules at GET /v1/product', async () => {
    const shown = await call(service, 'GET', '/v1/product', { token: await acme.session('member') });
    expect(shown.body['tasks']).toEqual({ max: 3, per: 'key', default_seconds: 60, longest_seconds: 600 });
  });

  test('whose default is longer than its longest stops the start', () => {
    const tasks = { max: 3, default_seconds: 61, longest_seconds: 60 };
    expect(ProductFile.safeParse({ ...product, tasks }).error?.issues).toMatchObject([
      { path: ['tasks', 'default_seconds'], message: '61 is longer than longest_seconds, 60' },
    ]);
  });
});

describe('the client', () => {
  test('takes, renews, lists and releases tasks', async () => {
    const { tasks } = createLatchkeyClient({ baseUrl: service.url, token: SERVICE_TOKEN });
    const { key } = await keyWithTasks(service, acme);
    const task = await tasks.take({ ...key, name: 'of a client', ttl_seconds: 10 }).catch(() => undefined);
    expect(task).toBeUndefined();
    await tasks.take({ ...key, name: 'a:1', ttl_seconds: 10 });
    expect(await tasks.renew({ ...key, name: 'a:1' })).toMatchObject({ name: 'a:1', expires_at: later(10) });
    expect(await tasks.list(key)).toMatchObject({ data: [{ name: 'a:1' }], limit: 3 });
    for (const name of ['b', 'c']) await tasks.take({ ...key, name });
    const limit = { code: 'task_limit_reached', details: { tasks: ['a:1', 'b', 'c'] } };
    await expect(tasks.take({ ...key, name: 'd' })).rejects.toMatchObject(limit);
    expect(await tasks.release({ ...key, name: 'a:1' })).toEqual({ status: 'released' });
    await expect(tasks.renew({ ...key, name: 'a:1' })).rejects.toMatchObject({ code: 'task_not_found' });
  });

  test('does what docs/how-to/limit-tasks.md shows', async () => {
    const asked: string[] = [];
    const latchkey = createLatchkeyClient({
      baseUrl: service.url,
      token: SERVICE_TOKEN,
      async fetch(url, init) {
        const answer = await fetch(url, init);
        asked.push(`${init?.method} ${new URL(url).pathname} ${answer.status}`);
        return answer;
      },
    });
    const key = await keyWithTasks(service, acme);
    const verdict = await latchkey.verify({ key: key.value });
    const block = blocksOf('docs/how-to/limit-tasks.md').find(({ language }) => language === 'ts');
    const code = `export const work = async (latchkey, verdict) => {\n${block!.text}};`;
    const shown = (await import(`data:text/javascript,${encodeURIComponent(code)}`)) as {
      work: (client: typeof latchkey, verdict: object) => Promise<void>;
    };
    await shown.work(latchkey, verdict);
    expect(asked.slice(1)).toEqual([
      'POST /v1/tasks 200',
      'POST /v1/tasks/eval-4711/renew 200',
      'DELETE /v1/tasks/eval-4711 200',
    ]);
  });
});
