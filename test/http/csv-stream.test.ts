import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import express from 'express';
import { describe, expect, onTestFinished, test } from 'vitest';
import { makeErrorHandler } from '../../src/http/error-handler.ts';
import { assignRequestId } from '../../src/http/request-id.ts';
import { sendCsv } from '../../src/http/server/csv-stream.ts';

/** Serves these pieces. @returns its URL and what it logs */
async function serve(pieces: () => AsyncIterable<string>) {
  const logged: string[] = [];
  const log = (_fields: object, message: string) => void logged.push(message);
  const app = express();
  app.use(assignRequestId);
  app.get('/', (req, res) => sendCsv(res, req.method, pieces()));
  app.use(makeErrorHandler({ log: { error: log, warn: log } as never, isDatabaseUnavailable: () => false }));
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, logged };
}

describe('sendCsv', () => {
  test('sends the pieces as one file', async () => {
    const { url, logged } = await serve(async function* () {
      yield 'a,b\r\n';
      await sleep(1);
      yield 'ä,2\r\n';
    });
    const response = await fetch(url);
    expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present');
    expect(await response.text()).toBe('a,b\r\nä,2\r\n');
    expect(logged).toEqual([]);
  });

  test('breaks the connection off, and logs, when a piece cannot be made', async () => {
    const { url, logged } = await serve(async function* () {
      yield 'a,b\r\n';
      await sleep(1);
      throw new Error('the database is gone');
    });
    const response = await fetch(url);
    await expect(response.text()).rejects.toThrow('terminated');
    await expect.poll(() => logged).toEqual(['unhandled error']);
  });

  test('makes no more than the client reads, and stops when it leaves', async () => {
    let [made, isEnded] = [0, false];
    const piece = 'x'.repeat(100_000);
    const { url, logged } = await serve(async function* () {
      try {
        for (; made < 2_000; made++) yield await Promise.resolve(piece);
      } finally {
        isEnded = true;
      }
    });
    const leaving = new AbortController();
    const response = await fetch(url, { signal: leaving.signal });
    expect(response.status).toBe(200);
    let before = -1;
    while (made !== before) {
      before = made;
      await sleep(100);
    }
    expect(made).toBeLessThan(300);
    leaving.abort();
    await expect.poll(() => isEnded).toBe(true);
    expect([made, logged]).toEqual([before, []]);
  });

  test('answers HEAD without making a piece', async () => {
    let made = 0;
    const { url } = await serve(async function* () {
      yield await Promise.resolve(String(made++));
    });
    expect((await fetch(url, { method: 'HEAD' })).status).toBe(200);
    expect(made).toBe(0);
  });
});
