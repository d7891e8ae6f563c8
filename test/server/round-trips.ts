import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { afterAll } from 'vitest';

/** Long beside the time in which a client says what it can say without an answer. */
const DELAY_MS = 30;

/** Stands before PostgreSQL, keeps its answers for a moment, and counts how often a client waits for one. */
export async function countRoundTrips(databaseUrl: string) {
  const url = new URL(databaseUrl);
  const { hostname, port } = url;
  const sockets = new Set<Socket>();
  let count = 0;
  const listener = createServer((client) => {
    const server = connect(Number(port === '' ? 5432 : port), hostname);
    let isAnswered = true;
    client.on('data', (chunk: Buffer) => {
      if (isAnswered) count++;
      isAnswered = false;
      server.write(chunk);
    });
    server.on('data', (chunk: Buffer) =>
      setTimeout(() => {
        isAnswered = true;
        client.write(chunk);
      }, DELAY_MS),
    );
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        client.destroy();
        server.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => {
    listener.listen(0, '127.0.0.1', resolve);
  });
  afterAll(() => {
    listener.close();
    for (const socket of sockets) socket.destroy();
  });
  url.hostname = '127.0.0.1';
  url.port = String((listener.address() as AddressInfo).port);
  return {
    url: url.toString(),
    /** Counts from now on. */
    from: () => {
      const before = count;
      return () => count - before;
    },
  };
}
