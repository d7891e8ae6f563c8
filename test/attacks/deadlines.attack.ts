import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { connectionsTo } from './measure.ts';
import { startProduction } from './start.ts';
import type { Target } from './start.ts';

const MOST = 40;
let target: Target;
/** The path of a file of the API page. */
let script: string;

beforeAll(async () => {
  target = await startProduction({ LATCHKEY_MAX_CONNECTIONS_PER_ADDRESS: String(MOST) });
  const page = await (await fetch(`${target.url}/docs`)).text();
  script = /src="([^"]+)"/.exec(page)![1]!;
}, 150_000);

/** Returns for how many seconds the service keeps a socket that sent these bytes; each socket has its own address. */
async function livesFor(localAddress: string, bytes: string, { trickle = '' } = {}): Promise<number> {
  const { hostname, port } = new URL(target.url);
  const socket = connect({ port: Number(port), host: hostname, localAddress });
  try {
    socket.on('error', () => undefined).pause();
    socket.write(bytes);
    const from = performance.now();
    await expect.poll(() => connectionsTo(target, localAddress), { timeout: 5_000 }).toBe(1);
    while (connectionsTo(target, localAddress) > 0 && performance.now() - from < 50_000) {
      if (trickle !== '') socket.write(trickle);
      await sleep(250);
    }
    return (performance.now() - from) / 1_000;
  } finally {
    socket.destroy();
  }
}

describe('deadlines hold', () => {
  test.concurrent.each([
    ['a client that says nothing', '127.1.0.1', '', {}, 13],
    ['headers that never end', '127.1.0.2', 'GET /healthz HTTP/1.1\r\nhost: x\r\n', {}, 13],
    ['headers that come letter by letter', '127.1.0.3', 'GET /healthz HTTP/1.1\r\nhost: x\r\n', { trickle: 'a' }, 13],
    ['a body that never comes', '127.1.0.4', post(100), {}, 34],
    ['a body that comes letter by letter', '127.1.0.5', post(100_000), { trickle: 'a' }, 34],
  ] as const)('%s', async (_what, address, bytes, options, seconds) => {
    expect(await livesFor(address, bytes, options)).toBeLessThan(seconds);
  });

  test.concurrent('answers that are not read', async () => {
    // More than the operating system buffers for one socket.
    const bytes = `GET ${script} HTTP/1.1\r\nhost: x\r\naccept-encoding: identity\r\n\r\n`.repeat(15);
    expect(await livesFor('127.1.0.6', bytes)).toBeLessThan(14);
  });
});

test('one address has so many sockets and no more, and others are served', async () => {
  const { hostname, port } = new URL(target.url);
  const sockets = Array.from({ length: 5 * MOST }, () => {
    const socket = connect({ port: Number(port), host: hostname, localAddress: '127.1.0.9' });
    return socket.on('error', () => undefined);
  });
  onTestFinished(() => sockets.forEach((socket) => socket.destroy()));
  await expect.poll(() => connectionsTo(target, '127.1.0.9')).toBe(MOST);
  expect((await fetch(`${target.url}/healthz`)).status).toBe(200);
  const metrics = await (await fetch(`${target.url}/metrics`)).text();
  expect(metrics).toContain(`latchkey_connections_cut_total{reason="address"} ${4 * MOST}`);
});

function post(length: number): string {
  const head =
    'POST /v1/hooks/workos HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nworkos-signature: t=1, v1=a\r\n';
  return `${head}content-length: ${length}\r\n\r\n`;
}
