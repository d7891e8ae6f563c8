import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openRedisLink } from '../../../src/limits/shared/redis-link.ts';
import { proveWritable } from '../../../src/limits/shared/shared-limiter.ts';
import type { Send } from '../../../src/limits/shared/take-script.ts';
import { startFakeRedis } from './fake-redis.ts';

const DEADLINE_MS = 100;
/** How late a deadline may be noticed on a machine that is busy. */
const LATE_MS = 3_000;
/** No deadline at all, for tests of something else. */
const LONG_MS = 60_000;

type Times = { commandMs?: number; connectMs?: number; pauseMs?: number };

function open(url: string, times: Times = {}) {
  const changes: [open: boolean, reason: string | undefined][] = [];
  const link = openRedisLink({
    url,
    prove: proveWritable,
    onChange: (...change) => void changes.push(change),
    commandMs: LONG_MS,
    connectMs: LONG_MS,
    pauseMs: LONG_MS,
    ...times,
  });
  onTestFinished(() => link.close());
  return { link, changes };
}

const ping = (send: Send) => send(['PING']);

async function elapsed(work: Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work.catch(() => undefined);
  return performance.now() - from;
}

describe('Redis link', () => {
  test('gives up a silent server at the connect deadline', async () => {
    const redis = await startFakeRedis();
    redis.answer = undefined;
    const { link, changes } = open(redis.url, { connectMs: DEADLINE_MS });
    expect(await elapsed(link.ready)).toBeLessThan(LATE_MS);
    expect(changes).toEqual([[false, 'DeadlinePassed']]);
    await expect(link.run(ping)).rejects.toThrow('the connection to Redis is lost');
  });

  test('fails a command at its deadline, and sends no further one to that server', async () => {
    const redis = await startFakeRedis();
    const { link, changes } = open(redis.url, { commandMs: DEADLINE_MS });
    await link.ready;
    expect(link.isOpen()).toBe(true);
    redis.answer = undefined;
    const sent = redis.commands.length;
    const first = await elapsed(link.run(ping));
    expect(first).toBeGreaterThanOrEqual(DEADLINE_MS - 1);
    expect(first).toBeLessThan(LATE_MS);
    for (let i = 0; i < 100; i++) await expect(link.run(ping)).rejects.toThrow('the connection to Redis is lost');
    expect(redis.commands.length - sent).toBe(1);
    expect(changes).toEqual([
      [true, undefined],
      [false, 'DeadlinePassed'],
    ]);
  });

  test('fails all commands under way together, and reports the loss once', async () => {
    const redis = await startFakeRedis();
    const { link, changes } = open(redis.url);
    await link.ready;
    redis.answer = undefined;
    const all = Promise.allSettled(Array.from({ length: 50 }, () => link.run(ping)));
    await expect.poll(() => redis.commands.filter((name) => name === 'PING').length, { interval: 1 }).toBe(50);
    redis.cut();
    expect((await all).map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 'rejected'));
    expect(changes.map(([isOpen]) => isOpen)).toEqual([true, false]);
  });

  test('reopens by itself once the server proves that it can count', async () => {
    const redis = await startFakeRedis();
    const { link, changes } = open(redis.url, { pauseMs: 5 });
    await link.ready;
    redis.answer = '-READONLY it is a replica now\r\n';
    await expect(link.run(ping)).rejects.toThrow('READONLY');
    const before = redis.connections;
    await expect.poll(() => redis.connections, { interval: 1 }).toBeGreaterThan(before + 3);
    expect(link.isOpen()).toBe(false);
    redis.passes();
    await expect.poll(link.isOpen, { interval: 1 }).toBe(true);
    expect(changes).toEqual([
      [true, undefined],
      [false, 'READONLY'],
      [true, undefined],
    ]);
  });

  test('reopens a connection that ends while idle', async () => {
    const redis = await startFakeRedis();
    const { link, changes } = open(redis.url, { pauseMs: 5 });
    await link.ready;
    redis.cut();
    await expect.poll(() => changes.length, { interval: 1 }).toBe(3);
    expect(link.isOpen()).toBe(true);
  });

  test('does not quote a server that repeats the password', async () => {
    const redis = await startFakeRedis();
    redis.answer = "-ERR unknown command 'AUTH', with args beginning with: 's3cr3t'\r\n";
    const { link, changes } = open(`redis://:s3cr3t@127.0.0.1:${redis.port}`);
    await link.ready;
    expect(changes).toEqual([[false, 'ERR']]);
  });

  test('treats an impossible reply as a failure', async () => {
    const redis = await startFakeRedis();
    redis.answer = '+OK\r\n';
    const { link, changes } = open(redis.url);
    await link.ready;
    expect(changes).toEqual([[false, 'TypeError']]);
  });

  test('reports and tries nothing after it was closed', async () => {
    const redis = await startFakeRedis();
    const trial = open(redis.url, { pauseMs: 1 });
    trial.link.close();
    const opened = open(redis.url, { pauseMs: 1 });
    await Promise.all([trial.link.ready, opened.link.ready]);
    opened.link.close();
    const before = redis.connections;
    await sleep(50);
    expect(redis.connections).toBe(before);
    expect(trial.changes).toEqual([]);
    expect(opened.changes).toEqual([[true, undefined]]);
  });
});
