import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, describe, expect, test } from 'vitest';
import { makeSendWebhook } from '../../src/webhooks/send-webhook.ts';
import { newSecret, startReceiver } from './receiver.ts';

const letter = { id: 'notice_1', body: '{"type":"api_key.created","timestamp":"2027-01-31T12:00:00.000Z","data":{}}' };
const never = new AbortController().signal;
const receiver = await startReceiver();
const sender = (url: string, secrets = [receiver.secret]) =>
  makeSendWebhook({ url, secrets, userAgent: 'latchkey/tests', timeoutMs: 300 });

describe('makeSendWebhook', () => {
  test('fails without an answer in time', async () => {
    receiver.answerWith(() => 'hang');
    expect(await sender(receiver.url)(letter, never)).toEqual({
      delivered: false,
      failure: 'no answer within 300 ms',
      error: 'timeout',
      final: false,
    });
  });

  test('fails without a connection, and does not repeat the address', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    expect(await sender(`http://127.0.0.1:${port}/a-secret-path`)(letter, never)).toEqual({
      delivered: false,
      failure: 'no answer: ECONNREFUSED',
      error: 'connection_failed',
      final: false,
    });
  });

  test('does not read an endless answer', async () => {
    const closed = Promise.withResolvers<number>();
    const server = createServer((_req, res) => {
      res.writeHead(200);
      const { socket } = res;
      socket?.once('error', () => undefined).once('close', () => closed.resolve(socket.bytesWritten));
      const more = () => {
        while (!res.destroyed && res.write('x'.repeat(65_536)));
        res.once('drain', more);
      };
      more();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    afterAll(() => {
      server.closeAllConnections();
      server.close();
    });
    const sent = await sender(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)(letter, never);
    expect(sent).toEqual({ delivered: true, status: 200 });
    expect(await closed.promise).toBeLessThan(32 * 1024 * 1024);
  });

  test('signs with both secrets, and with no other', async () => {
    receiver.answerWith(() => 204);
    expect(await sender(receiver.url, [newSecret(), receiver.secret])(letter, never)).toEqual({
      delivered: true,
      status: 204,
    });
    expect(await sender(receiver.url, [receiver.secret, newSecret()])(letter, never)).toEqual({
      delivered: true,
      status: 204,
    });
    expect(await sender(receiver.url, [newSecret()])(letter, never)).toMatchObject({
      failure: 'answered 401',
      error: 'http_error',
      status: 401,
    });
    expect(receiver.wrong).toHaveLength(1);
  });

  test('does not count a stop as a failure', async () => {
    receiver.answerWith(() => 'hang');
    const stopping = new AbortController();
    const sent = sender(receiver.url)(letter, stopping.signal);
    stopping.abort();
    await expect(sent).rejects.toThrow(/abort/i);
  });
});
