import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { httpFetch } from '../../src/command/http-fetch.ts';
import { temporaryFolder } from './terminal.ts';

const MAIN = join(import.meta.dirname, '../../src/command/main.ts');
const run = promisify(execFile);

async function answering(listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const end = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, [Symbol.dispose]: end };
}

const ask = async (url: string, init: { method?: string; body?: string; signal?: AbortSignal } = {}) =>
  httpFetch(url, { redirect: 'error', signal: AbortSignal.timeout(10_000), ...init });

test('sends the method, the headers and the body, and reads status, headers and text', async () => {
  using server = await answering((req, res) => {
    const pieces: string[] = [];
    req.setEncoding('utf8').on('data', (piece: string) => pieces.push(piece));
    req.on('end', () => {
      res.writeHead(409, { 'x-request-id': 'req_1' });
      res.end(JSON.stringify([req.method, req.url, req.headers['accept'], pieces.join('')]));
    });
  });
  const answer = await httpFetch(`${server.url}/a?b=c`, {
    method: 'POST',
    headers: { accept: 'application/json' },
    body: 'Größe',
    redirect: 'error',
    signal: AbortSignal.timeout(10_000),
  });
  expect([answer.ok, answer.status, answer.headers.get('x-request-id'), answer.headers.get('etag')]).toEqual([
    false,
    409,
    'req_1',
    null,
  ]);
  expect(JSON.parse(await answer.text())).toEqual(['POST', '/a?b=c', 'application/json', 'Größe']);
});

test('follows no redirection, which could take the credential elsewhere', async () => {
  using server = await answering((_req, res) => res.writeHead(307, { location: 'http://127.0.0.1:9/' }).end());
  await expect(ask(server.url)).rejects.toThrow('redirection (status 307)');
});

test('fails for a refused connection, an aborted signal, and a truncated answer', async () => {
  const gone = await answering(() => undefined);
  gone[Symbol.dispose]();
  await expect(ask(gone.url)).rejects.toThrow('ECONNREFUSED');

  using silent = await answering(() => undefined);
  await expect(ask(silent.url, { signal: AbortSignal.timeout(50) })).rejects.toThrow('aborted');

  using breaking = await answering((_req, res) => {
    res.writeHead(200, { 'content-length': '10' });
    res.write('half', () => res.destroy());
  });
  const half = await ask(breaking.url);
  await expect(half.text()).rejects.toThrow('aborted');

  const interruption = new AbortController();
  using slow = await answering((_req, res) => res.writeHead(200).write('first'));
  const begun = await ask(slow.url, { signal: interruption.signal });
  interruption.abort();
  await expect(begun.text()).rejects.toThrow('aborted');
});

test('reads no answer without end', async () => {
  using endless = await answering((_req, res) => {
    const piece = Buffer.alloc(1_048_576, 'a');
    const more = () => {
      while (!res.destroyed && res.write(piece)) continue;
      if (!res.destroyed) res.once('drain', more);
    };
    more();
  });
  const answer = await ask(endless.url);
  await expect(answer.text()).rejects.toThrow('more than 16777216 bytes');
});

test('a list loads nothing of what the global fetch needs', async () => {
  using server = await answering((_req, res) => res.end(JSON.stringify({ data: [], list_metadata: { after: null } })));
  const reporter = join(await temporaryFolder(), 'report.cjs');
  await writeFile(
    reporter,
    "process.on('exit', () => require('fs').writeSync(2, JSON.stringify(process.moduleLoadList)));",
  );
  const { stderr } = await run(process.execPath, ['-r', reporter, MAIN, 'keys', 'list', '--json'], {
    env: { HOME: await temporaryFolder(), LATCHKEY_URL: server.url, LATCHKEY_TOKEN: 'token' },
  });
  const loaded = JSON.parse(stderr) as string[];
  expect(loaded).toContain('NativeModule http');
  expect(loaded.filter((name) => /undici|http2|tls|webstreams/.test(name))).toEqual([]);
});
