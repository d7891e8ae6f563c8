import { once } from 'node:events';
import type { IncomingMessage, request } from 'node:http';
import { createRequire } from 'node:module';
import type { Answer, FetchInit } from '../client/fetch.ts';

// An import would read every export of node:http, and one of them loads what fetch needs.
const load = createRequire(import.meta.url) as (name: string) => { request: typeof request };

/** More than any answer has that is read as one text. */
const MOST_BYTES = 16_777_216;

/**
 * Sends a request by `node:http` or `node:https`. The global `fetch` costs a process 60 to 100 ms before its first
 * request, which every command would pay. @throws Error for what is no answer, or a redirection
 */
export async function httpFetch(url: string, { method = 'GET', headers, body, signal }: FetchInit): Promise<Answer> {
  const asked = load(url.startsWith('https:') ? 'node:https' : 'node:http').request(url, {
    method,
    headers: { ...headers },
    signal,
  });
  asked.end(body);
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  const { statusCode: status = 0, headers: answered } = answer;
  if (status >= 300 && status < 400) {
    answer.destroy();
    throw new Error(`the answer is a redirection (status ${status})`);
  }
  return {
    ok: status >= 200 && status < 300,
    status,
    headers: { get: (name) => answered[name]?.toString() ?? null },
    body: answer,
    text: async () => textOf(answer),
  };
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of answer as AsyncIterable<Buffer>) {
    bytes += piece.length;
    // Leaving the loop closes the connection.
    if (bytes > MOST_BYTES) throw new Error(`the answer has more than ${MOST_BYTES} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}
