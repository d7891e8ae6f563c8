import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { sampleOf } from './load.ts';
import type { Sample, Target } from './load.ts';

const CONNECTIONS = 256;
const TURN_MS = 1;
const HEAD_END = '\r\n\r\n';

type Connection = { socket: Socket; fromMs: number; received: string };

/**
 * Sends requests at a constant rate, whether or not earlier ones were answered: `node:http` as a client, in
 * constant-rate.ts, would be slower than what is measured. A request that finds no idle connection waits for one, and its
 * time counts from when it was due. Throws for an answer that is not 200.
 */
export async function askOpenLoop(target: Target, { perSecond, seconds }: { perSecond: number; seconds: number }) {
  const requests = target.requests.map((asked) => bytesOf(target, asked));
  const times: number[] = [];
  const waiting: number[] = [];
  const idle: Connection[] = [];
  let sent = 0;
  let failure: Error | undefined;
  const send = (connection: Connection, fromMs: number) => {
    connection.fromMs = fromMs;
    connection.socket.write(requests[sent++ % requests.length]!);
  };
  const answered = (connection: Connection, chunk: string) => {
    connection.received += chunk;
    if (!isWhole(connection.received)) return;
    if (!connection.received.startsWith('HTTP/1.1 200 ')) failure = new Error(connection.received.slice(0, 200));
    connection.received = '';
    times.push(performance.now() - connection.fromMs);
    const dueMs = waiting.shift();
    if (dueMs === undefined) idle.push(connection);
    else send(connection, dueMs);
  };
  const { hostname, port } = new URL(target.url);
  const all = Array.from({ length: CONNECTIONS }, () => {
    const socket = connect(Number(port), hostname).setNoDelay(true).setEncoding('latin1');
    const connection: Connection = { socket, fromMs: 0, received: '' };
    socket.on('data', (chunk: string) => answered(connection, chunk)).on('error', (error) => (failure = error));
    idle.push(connection);
    return connection;
  });
  const fromMs = performance.now();
  const total = Math.floor(perSecond * seconds);
  for (let asked = 0; times.length < total && !failure; await sleep(TURN_MS)) {
    const nowMs = performance.now();
    if (nowMs - fromMs > 4_000 * seconds) failure = new Error(`${times.length} of ${total} requests were answered`);
    for (; asked < Math.min(total, ((nowMs - fromMs) / 1_000) * perSecond); asked++) {
      const connection = idle.pop();
      if (connection) send(connection, performance.now());
      else waiting.push(performance.now());
    }
  }
  for (const { socket } of all) socket.destroy();
  if (failure) throw failure;
  return sampleOf(times, (performance.now() - fromMs) / 1_000) satisfies Sample;
}

function bytesOf({ method, path }: Target, { headers, body }: Target['requests'][number]): string {
  const text = body === undefined ? '' : JSON.stringify(body);
  const own = { host: 'latchkey', ...headers, 'content-type': 'application/json', 'content-length': `${text.length}` };
  const lines = Object.entries(own).map(([name, value]) => `${name}: ${value}`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}${HEAD_END}${text}`;
}

function isWhole(received: string): boolean {
  const head = received.indexOf(HEAD_END);
  const length = /\r\ncontent-length: (\d+)/i.exec(received)?.[1];
  return head !== -1 && length !== undefined && received.length >= head + HEAD_END.length + Number(length);
}
