import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Socket } from 'node:net';
import { AppError, StartError } from '../../errors.ts';
import { boundConnections } from './connections.ts';
import type { ConnectionRules } from './connections.ts';
import { envelope } from '../envelope.ts';
import { REQUEST_ID_HEADER, newRequestId } from '../request-id.ts';

const MAX_HEADER_BYTES = 16 * 1024;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** How late the two timeouts may fire; Node's default is half a minute. */
const CHECKING_MS = 1_000;
/** How long a refused client may take to read the answer. */
const LINGER_MS = 1_000;

type Where = { host: string; port: number };

/** The rules of servers that are given none. */
const USUAL_RULES: ConnectionRules = {
  max: 10_000,
  maxPerAddress: 0,
  keepAliveMs: 65_000,
  clientOf: String,
  open: { inc: () => undefined, dec: () => undefined },
  onCut: () => undefined,
};

export type HttpServer = { port: number; url: string; close(graceMs: number): Promise<void> };

/** Starts to listen. @throws StartError if the port is taken or the address is not this machine's */
export async function listen(
  app: RequestListener,
  { host, port }: Where,
  rules: ConnectionRules = USUAL_RULES,
): Promise<HttpServer> {
  const limits = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: rules.keepAliveMs,
    connectionsCheckingInterval: CHECKING_MS,
    // The app itself refuses a request without Host, with an error envelope.
    requireHostHeader: false,
  };
  const connections = boundConnections(app, rules);
  const server = createServer(limits, connections.handle);
  connections.follow(server);
  server.on('clientError', (error, socket) => {
    // An HTTP server has no other streams.
    connections.refuse(socket as Socket, () => answerUnreadable(error, socket as Socket));
  });
  // Node would answer an unknown Expect with a bare 417; HTTP allows to ignore it.
  server.on('checkExpectation', connections.handle);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(startError(error, host, port)));
    server.listen(port, host, resolve);
  });
  const address = server.address() as AddressInfo;
  const shownHost = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return { port: address.port, url: `http://${shownHost}:${address.port}`, close: (graceMs) => close(server, graceMs) };
}

/** Takes no new requests, lets running ones finish for at most `graceMs`, then cuts the rest. */
async function close(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(cut);
}

function startError(error: NodeJS.ErrnoException, host: string, port: number): StartError {
  const reasons: Record<string, string> = {
    EADDRINUSE: 'another process listens there already',
    EACCES: 'this user may not listen there',
    EADDRNOTAVAIL: 'this machine has no such address',
  };
  const reason = reasons[error.code ?? ''] ?? error.message;
  return new StartError(`Cannot listen on ${host}:${port}: ${reason}.`, { cause: error });
}

// A request that Node's parser refuses never reaches the app; it gets an error envelope, too.
function answerUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const refusal = refusalOf(error);
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
  // Destroying at once would lose what the client has not read; some clients never close their side.
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}

function refusalOf({ code }: NodeJS.ErrnoException): AppError {
  if (code === 'HPE_HEADER_OVERFLOW')
    return new AppError('payload_too_large', `The headers may have at most ${MAX_HEADER_BYTES} bytes.`);
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new AppError('validation_error', 'The request took too long to arrive.');
  return new AppError('validation_error', 'This is no valid HTTP request.');
}
