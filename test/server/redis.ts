import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { createClient } from '@redis/client';
import { afterAll } from 'vitest';

export const TEST_REDIS_URL = process.env['TEST_REDIS_URL'] ?? 'redis://127.0.0.1:6379';

/** A part of the server that other tests do not touch, emptied at the end; and a client to look into it. */
export async function isolatedPart() {
  const prefix = `latchkey-test-${randomUUID()}`;
  const client = createClient({ url: TEST_REDIS_URL, socket: { connectTimeout: 2_000, reconnectStrategy: false } });
  client.on('error', () => undefined);
  await client.connect();
  async function names(): Promise<string[]> {
    const found: string[] = [];
    for await (const some of client.scanIterator({ MATCH: `${prefix}*`, COUNT: 1_000 })) found.push(...some);
    return found;
  }
  afterAll(async () => {
    const left = await names();
    if (left.length > 0) await client.unlink(left);
    client.destroy();
  });
  return { prefix, client, names };
}

/** A server of a test's own, without memory, that can be killed and started again in the same place. */
export async function startRedis() {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-redis-'));
  const port = await freePort();
  const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no'];
  let child = run();

  function run() {
    return spawn('redis-server', args, { stdio: 'ignore' });
  }

  async function signal(name: NodeJS.Signals): Promise<void> {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(name);
    if (name === 'SIGKILL' && child.exitCode === null && child.signalCode === null) await ended;
  }

  afterAll(async () => {
    await signal('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });
  return {
    url: `redis://127.0.0.1:${port}`,
    signal,
    restart() {
      child = run();
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
