import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '@redis/client';
import { afterAll, expect, test } from 'vitest';
import { freePort } from '../process/start.ts';
import { startChild } from '../support/child.ts';
import type { Child } from '../support/child.ts';
import { makeClient, say } from './client.ts';
import type { At } from './client.ts';
import { startCluster } from './cluster.ts';
import { recording } from './recording.ts';
import { record } from './results.ts';

const BACK_MS = 20_000;
const folder = mkdtempSync(join(tmpdir(), 'latchkey-sentinel-'));
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

function start(command: string, args: readonly string[]): Child {
  const child = startChild(command, args, { cwd: folder });
  afterAll(async () => {
    child.kill('SIGKILL');
    await child.exited;
  });
  return child;
}

async function redis(...more: string[]) {
  const port = await freePort();
  const only = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  return { port, child: start('redis-server', [...only, ...more]) };
}

/** A master, a replica of it, what promotes that, and what leads to whichever is the master. */
async function startSentinel() {
  const master = await redis();
  const replica = await redis('--replicaof', `127.0.0.1 ${master.port}`);
  const [sentinel, front] = [await freePort(), await freePort()];
  const watched = `port ${sentinel}\nsentinel monitor limits 127.0.0.1 ${master.port} 1\nsentinel down-after-milliseconds limits 1000\nsentinel failover-timeout limits 5000\n`;
  writeFileSync(join(folder, 'sentinel.conf'), watched);
  start('redis-sentinel', [join(folder, 'sentinel.conf')]);
  const check = ['option tcp-check', 'tcp-check send info\\ replication\\r\\n', 'tcp-check expect string role:master'];
  const servers = [master, replica].map(
    ({ port }, i) => `server r${i} 127.0.0.1:${port} check inter 500 rise 1 fall 1 on-marked-down shutdown-sessions`,
  );
  const timeouts = ['timeout connect 1s', 'timeout client 1h', 'timeout server 1h'];
  const lines = ['defaults', 'mode tcp', ...timeouts, 'listen redis', `bind 127.0.0.1:${front}`, ...check, ...servers];
  writeFileSync(join(folder, 'haproxy.cfg'), `${lines.join('\n')}\n`);
  start('haproxy', ['-f', join(folder, 'haproxy.cfg')]);
  const url = `redis://127.0.0.1:${front}`;
  await isMaster(url);
  await knowsReplica(sentinel);
  return { url, master, replica };
}

async function isMaster(url: string): Promise<void> {
  for (let i = 0; i < 100; i++) {
    const client = createClient({ url, socket: { connectTimeout: 500, reconnectStrategy: false } });
    client.on('error', () => undefined);
    const is = await client
      .connect()
      .then(() => client.info('replication'))
      .then((text) => text.includes('role:master') && text.includes('state=online'))
      .catch(() => false);
    client.destroy();
    if (is) return;
    await sleep(100);
  }
  throw new Error('there is no master with a replica');
}

/** Waits until Sentinel has asked the master for its replicas, which it does every ten seconds: it promotes no other. */
async function knowsReplica(port: number): Promise<void> {
  const client = createClient({ url: `redis://127.0.0.1:${port}` });
  client.on('error', () => undefined);
  await client.connect();
  try {
    for (let i = 0; i < 150; i++) {
      const replicas = (await client.sendCommand(['SENTINEL', 'REPLICAS', 'limits'])) as unknown as { flags: string }[];
      if (replicas.some(({ flags }) => flags === 'slave')) return;
      await sleep(100);
    }
    throw new Error('Sentinel does not know the replica');
  } finally {
    client.destroy();
  }
}

async function isShared({ url }: At): Promise<boolean> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return /^latchkey_limits_shared 1$/m.test(text);
}

const limits = await startSentinel();
const cluster = await startCluster({ synchronous: false });
const replica = await cluster.replica(cluster.primary.url, { env: { REDIS_URL: limits.url } });
const { client, violations } = recording(await makeClient(cluster, [replica]));

test('the Redis of limits fails over: no check fails, and limits are shared again by themselves', async () => {
  const key = await client.create(replica, { rate_limit: { limit: 100_000, window_seconds: 60 } });
  await client.warm(replica, key);
  expect(await isShared(replica)).toBe(true);
  const codes = new Map<string, number>();
  const stopping = new AbortController();
  const load = (async () => {
    while (!stopping.signal.aborted) {
      const { code } = await client.verify(replica, key);
      codes.set(code, (codes.get(code) ?? 0) + 1);
      await sleep(5);
    }
  })();
  await sleep(500);
  const doomed = await client.create(replica);
  limits.master.child.kill('SIGKILL');
  const lostAt = performance.now();
  while (await isShared(replica)) await sleep(20);
  const noticedMs = performance.now() - lostAt;
  while (!(await isShared(replica)) && performance.now() - lostAt < BACK_MS) await sleep(20);
  const backMs = performance.now() - lostAt;
  expect(await client.revoke(replica, doomed)).toBe('ok');
  stopping.abort();
  await load;
  say([...codes].join(', '));
  await record('redis', cluster.primary, { noticed: noticedMs, sharedAgain: backMs });
  expect(backMs).toBeLessThan(BACK_MS);
  expect([...codes.keys()]).toEqual(['valid']);
  expect((await violations([replica])).found).toEqual([]);
});
