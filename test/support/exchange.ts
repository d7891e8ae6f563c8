import { connect } from 'node:net';
import type { Service } from './service.ts';

/** Sends a request with `connection: close`, and reads until the connection is closed. */
export async function exchange({ url }: Pick<Service, 'url'>, bytes: Buffer, deadlineMs = 5_000): Promise<string> {
  const { hostname, port } = new URL(url);
  const { promise, resolve } = Promise.withResolvers<string>();
  const chunks: Buffer[] = [];
  const socket = connect(Number(port), hostname, () => socket.write(bytes));
  const timer = setTimeout(() => socket.destroy(), deadlineMs);
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('error', () => undefined);
  socket.on('close', () => {
    clearTimeout(timer);
    resolve(Buffer.concat(chunks).toString('latin1'));
  });
  return promise;
}
