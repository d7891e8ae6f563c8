import { setTimeout as sleep } from 'node:timers/promises';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { StartError } from '../../src/errors.ts';
import { listen } from '../../src/http/server/server.ts';
import { rawSocket } from '../support/raw.ts';

const onLoopback = { host: '127.0.0.1', port: 0 };

/** Answers after `milliseconds`, and says when a request has come in. */
function slowly(milliseconds: number): { app: RequestListener; arrived: Promise<void> } {
  const { promise: arrived, resolve } = Promise.withResolvers<void>();
  const app: RequestListener = (_req, res) => {
    resolve();
    setTimeout(() => res.end('done'), milliseconds);
  };
  return { app, arrived };
}

test('close lets a running request finish, and takes no new one', async () => {
  const { app, arrived } = slowly(300);
  const server = await listen(app, onLoopback);
  const running = fetch(server.url).then((response) => response.text());
  await arrived;
  const closed = server.close(5_000);
  await expect(fetch(server.url)).rejects.toThrow('fetch failed');
  expect(await running).toBe('done');
  await closed;
});

test('close ends at once without running requests, whatever connections are open', async () => {
  const server = await listen((_req, res) => res.end('done'), onLoopback);
  await (await fetch(server.url)).text();
  const started = performance.now();
  await server.close(5_000);
  expect(performance.now() - started).toBeLessThan(1_000);
});

test('close cuts requests that do not finish in time', async () => {
  const { app, arrived } = slowly(60_000);
  const server = await listen(app, onLoopback);
  const running = fetch(server.url).then(
    () => 'answered',
    () => 'cut',
  );
  await arrived;
  const started = performance.now();
  await server.close(200);
  expect(performance.now() - started).toBeLessThan(2_000);
  expect(await running).toBe('cut');
});

test('close does not wait longer for a silent client', async () => {
  const server = await listen((_req, res) => res.end(), onLoopback);
  const silent = rawSocket(server, 'GET / HTTP/1.1\r\nhost:', 10_000);
  await sleep(100);
  const started = performance.now();
  await server.close(300);
  expect(performance.now() - started).toBeLessThan(2_000);
  expect(await silent).not.toContain('HTTP/1.1 200');
});

test('throws one readable reason for a taken port', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  const start = listen(() => undefined, { host: '127.0.0.1', port });
  await expect(start).rejects.toThrow(StartError);
  await expect(start).rejects.toThrow(`Cannot listen on 127.0.0.1:${port}: another process listens there already.`);
  other.close();
});

test('throws one readable reason for an address of another machine', async () => {
  await expect(listen(() => undefined, { host: '192.0.2.1', port: 0 })).rejects.toThrow('has no such address');
});
