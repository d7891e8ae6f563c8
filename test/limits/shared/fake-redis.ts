import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { onTestFinished } from 'vitest';

const COMMAND = /\*\d+\r\n\$\d+\r\n(\w+)/g;
const PASSED = '*5\r\n:0\r\n:9\r\n:60000\r\n:0\r\n:0\r\n';

/** A server that says of every command what a test wants said, or, with undefined, nothing. */
export async function startFakeRedis() {
  const fake = { answer: PASSED as string | undefined, commands: [] as string[], connections: 0 };
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    fake.connections++;
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.on('data', (data) => {
      for (const [, name = ''] of data.toString().matchAll(COMMAND)) {
        fake.commands.push(name);
        if (fake.answer !== undefined) socket.write(fake.answer);
      }
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  onTestFinished(() => {
    server.close();
    cut();
  });
  const { port } = server.address() as AddressInfo;
  return Object.assign(fake, { port, cut, url: `redis://127.0.0.1:${port}`, passes: () => (fake.answer = PASSED) });
}
