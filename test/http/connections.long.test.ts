import type { RequestListener } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import type { ConnectionRules, CutReason } from '../../src/http/server/connections.ts';
import { listen } from '../../src/http/server/server.ts';

const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`;

type Bounds = Partial<Pick<ConnectionRules, 'max' | 'maxPerAddress' | 'keepAliveMs'>>;

async function start(app: RequestListener, rules: Bounds = {}) {
  const cuts: CutReason[] = [];
  let open = 0;
  const server = await listen(
    app,
    { host: '127.0.0.1', port: 0 },
    {
      max: 100,
      maxPerAddress: 0,
      keepAliveMs: 65_000,
      clientOf: String,
      open: { inc: () => open++, dec: () => open-- },
      onCut: (reason) => cuts.push(reason),
      ...rules,
    },
  );
  onTestFinished(() => server.close(100));
  return { server, cuts, open: () => open };
}

type Client = { socket: Socket; received: () => string; closed: Promise<void> };

function open({ port }: { port: number }): Client {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  let received = '';
  socket.on('data', (chunk) => (received += chunk.toString('latin1')));
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  return { socket, received: () => received, closed };
}

/** Answers with the path after a while, and counts how many it answers at once. */
function slowly(milliseconds: number) {
  const seen = { now: 0, most: 0, total: 0 };
  const app: RequestListener = (req, res) => {
    seen.most = Math.max(seen.most, ++seen.now);
    seen.total++;
    setTimeout(() => {
      seen.now--;
      res.end(req.url);
    }, milliseconds);
  };
  return { app, seen };
}

const statuses = (text: string) => [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));

test('answers pipelined requests one after the other, in order', async () => {
  const { app, seen } = slowly(5);
  const { server, cuts } = await start(app);
  const client = open(server);
  const paths = Array.from({ length: 12 }, (_unused, i) => `/${i}`);
  client.socket.write(paths.map(get).join(''));
  await expect.poll(() => statuses(client.received())).toHaveLength(12);
  expect([...client.received().matchAll(/\r\n\r\n(\/\d+)/g)].map(([, path]) => path)).toEqual(paths);
  expect([seen.most, cuts]).toEqual([1, []]);
  client.socket.write(paths.map(get).join(''));
  await expect.poll(() => statuses(client.received())).toHaveLength(24);
});

test('cuts a client that pipelines without end, and answers none of the rest', async () => {
  const { app, seen } = slowly(20);
  const { server, cuts, open: connections } = await start(app);
  const client = open(server);
  client.socket.write(get('/').repeat(1_000));
  await client.closed;
  await expect.poll(connections).toBe(0);
  expect(cuts).toEqual(['pipelined']);
  await sleep(60);
  expect(seen.total).toBeLessThan(5);
});

test('refuses an unreadable request after the answers before it', async () => {
  const { server } = await start(slowly(30).app);
  const client = open(server);
  client.socket.write(`${get('/first')}${get('/second')}GARBAGE\r\n\r\n`);
  await client.closed;
  expect(statuses(client.received())).toEqual([200, 200, 400]);
});

test('refuses a malformed body at once, although its request is being answered', async () => {
  const { server } = await start((req, res) => void req.on('end', () => res.end('done')).resume());
  const client = open(server);
  client.socket.write('POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n');
  await client.closed;
  expect(statuses(client.received())).toEqual([400]);
});

test('adds no second answer when a body breaks off after its answer', async () => {
  const { server } = await start((_req, res) => res.end('early'));
  const client = open(server);
  client.socket.write('POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n');
  await expect.poll(() => statuses(client.received())).toEqual([200]);
  client.socket.write('zz\r\n');
  await client.closed;
  expect(statuses(client.received())).toEqual([200]);
});

test('closes the connection of a refused client that never closes its side', async () => {
  const { server, open: connections } = await start((_req, res) => res.end());
  const client = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
  onTestFinished(() => void client.destroy());
  client.on('error', () => undefined).resume();
  client.write('GARBAGE\r\n\r\n');
  await expect.poll(connections).toBe(1);
  await expect.poll(connections, { timeout: 3_000 }).toBe(0);
});

test('bounds the connections of one address, and admits those of others', async () => {
  const { server, cuts } = await start((_req, res) => res.end('ok'), { maxPerAddress: 2 });
  const [first, second] = [open(server), open(server)];
  for (const client of [first, second]) {
    client.socket.write(get('/'));
    await expect.poll(() => statuses(client.received())).toEqual([200]);
  }
  const third = open(server);
  await third.closed;
  expect(cuts).toEqual(['address']);
  first.socket.destroy();
  await first.closed;
  await expect
    .poll(async () => {
      const another = open(server);
      another.socket.write(get('/'));
      await Promise.race([another.closed, sleep(100)]);
      return statuses(another.received());
    })
    .toEqual([200]);
});

test('admits no connection beyond the bound on all connections', async () => {
  const { server, cuts, open: connections } = await start((_req, res) => res.end(), { max: 2 });
  const held = [open(server), open(server)];
  await expect.poll(connections).toBe(2);
  await open(server).closed;
  expect([cuts, held.length]).toEqual([['full'], 2]);
});

test('ends idle connections when there is no place left, and none with a request', async () => {
  let finish: (() => void) | undefined;
  const app: RequestListener = (req, res) => {
    if (req.url === '/slow') finish = () => res.end('late');
    else res.end('ok');
  };
  const { server, cuts, open: connections } = await start(app, { max: 2 });
  const [idle, busy] = [open(server), open(server)];
  idle.socket.write(get('/'));
  busy.socket.write(get('/slow'));
  await expect.poll(idle.received).toContain('ok');
  await expect.poll(() => finish).toBeDefined();
  await open(server).closed;
  await idle.closed;
  expect(cuts).toEqual(['full']);
  await expect.poll(connections).toBe(1);
  finish!();
  await expect.poll(busy.received).toContain('late');
  const next = open(server);
  next.socket.write(get('/'));
  await expect.poll(next.received).toContain('ok');
});

test('keeps an idle connection as long as it says, and closes it then', async () => {
  const { server, open: count } = await start((_req, res) => res.end('ok'), { keepAliveMs: 2_000 });
  const client = open(server);
  client.socket.write(get('/'));
  await expect.poll(client.received).toMatch(/keep-alive: timeout=2\r\n/i);
  expect(count()).toBe(1);
  await client.closed;
  await expect.poll(count).toBe(0);
});
