import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { AppError, StartError } from '../errors.ts';
import { envelope } from './envelope.ts';
import { REQUEST_ID_HEADER, newRequestId } from './request-id.ts';

const MAX_HEADER_BYTES = 16 * 1024;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;

export type HttpServer = { port: number; url: string; close(graceMs: number): Promise<void> };

/** Listens. @throws StartError when the port is taken or the address is not ours. */
export async function listen(
  app: RequestListener,
  { host, port }: { host: string; port: number },
): Promise<HttpServer> {
  const limits = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    // The app refuses a request without Host itself, in the one shape of every error.
    requireHostHeader: false,
  };
  const server = createServer(limits, app);
  server.on('clientError', answerUnreadable);
  // Node would answer an unknown Expect with a bare 417; it may as well be ignored.
  server.on('checkExpectation', app);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(startError(error, host, port)));
    server.listen(port, host, resolve);
  });
  const address = server.address() as AddressInfo;
  const shownHost = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return { port: address.port, url: `http://${shownHost}:${address.port}`, close: (graceMs) => close(server, graceMs) };
}

/** Stops taking requests, lets what runs finish for at most `graceMs`, then cuts what is left. */
async function close(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(cut);
}

function startError(error: NodeJS.ErrnoException, host: string, port: number): StartError {
  const reasons: Record<string, string> = {
    EADDRINUSE: 'something else listens there already',
    EACCES: 'this user may not listen there',
    EADDRNOTAVAIL: 'this machine has no such address',
  };
  const reason = reasons[error.code ?? ''] ?? error.message;
  return new StartError(`Cannot listen on ${host}:${port}: ${reason}.`, { cause: error });
}

// What node's parser refuses never reaches the app; it gets the envelope all the same.
function answerUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const refusal =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? new AppError('payload_too_large', `The headers may have at most ${MAX_HEADER_BYTES} bytes.`)
      : new AppError('validation_error', 'This is not a readable HTTP request.');
  const requestId = newRequestId();
  const body = JSON.stringify(envelope(refusal, requestId));
  const phrase = refusal.status === 413 ? 'Content Too Large' : 'Bad Request';
  const head = [
    `HTTP/1.1 ${refusal.status} ${phrase}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    `${REQUEST_ID_HEADER}: ${requestId}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
