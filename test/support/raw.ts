import { request } from 'node:http';
import { connect } from 'node:net';
import { expectEnvelope } from './api.ts';
import type { Answer, Body } from './api.ts';
import type { Service } from './service.ts';

type RawRequest = { headers?: Record<string, string | string[]>; body?: string | Buffer };

/** Sends a request as written: the path is not normalised, a list repeats its header, any method. */
export async function rawCall(
  { url }: Pick<Service, 'url'>,
  method: string,
  path: string,
  { headers = {}, body }: RawRequest = {},
): Promise<Answer> {
  const { hostname, port } = new URL(url);
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const options = { hostname, port, method, path, headers: { ...length, ...headers }, agent: false };
  const outgoing = request(options, (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('error', reject);
    response.on('end', () => {
      const received = Object.entries(response.headers).map(([name, value]): [string, string] => [name, String(value)]);
      const text = Buffer.concat(chunks).toString();
      resolve({ status: response.statusCode ?? 0, body: parseBody(text), headers: new Headers(received) });
    });
  });
  outgoing.on('error', reject);
  outgoing.end(body);
  const answer = await promise;
  if (answer.status >= 400 && method !== 'HEAD') expectEnvelope(answer);
  return answer;
}

/** Writes bytes to the port, and reads until one whole answer, the close, or `quietMs` of silence. */
export async function rawSocket(
  { url }: Pick<Service, 'url'>,
  bytes: string | Buffer,
  quietMs = 5_000,
): Promise<string> {
  const { hostname, port } = new URL(url);
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = connect(Number(port), hostname, () => socket.write(bytes));
  let received = '';
  socket.setTimeout(quietMs, () => socket.destroy());
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1');
    if (isWhole(received)) socket.destroy();
  });
  socket.on('error', () => undefined);
  socket.on('close', () => resolve(received));
  return promise;
}

function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n');
  const length = /content-length: (\d+)/i.exec(text.slice(0, Math.max(end, 0)))?.[1];
  return length !== undefined && text.length >= end + 4 + Number(length);
}

/** Parses the first answer of a socket. */
export function readAnswer(text: string): Answer {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const [statusLine = '', ...lines] = head.split('\r\n');
  const pairs = lines.map((line): [string, string] => [
    line.slice(0, line.indexOf(':')),
    line.slice(line.indexOf(':') + 1).trim(),
  ]);
  const headers = new Headers(pairs);
  const length = Number(headers.get('content-length') ?? 0);
  const body = Buffer.from(rest.join('\r\n\r\n'), 'latin1').subarray(0, length).toString();
  return { status: Number(statusLine.split(' ')[1]), body: parseBody(body), headers };
}

function parseBody(text: string): Body {
  return (text.startsWith('{') ? JSON.parse(text) : {}) as Body;
}
