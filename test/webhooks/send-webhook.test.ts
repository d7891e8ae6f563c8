import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, expect, test } from 'vitest';
import { makeSendNotice } from '../../src/webhooks/send-webhook.ts';
import { newSecret, startReceiver } from './receiver.ts';

const letter = { id: 'notice_1', body: '{"type":"api_key.created","timestamp":"2027-01-31T12:00:00.000Z","data":{}}' };
const never = new AbortController().signal;
const receiver = await startReceiver();
const sender = (url: string, secrets = [receiver.secret]) =>
  makeSendNotice({ url, secrets, userAgent: 'latchkey/tests', timeoutMs: 300 });

test('whoever does not answer in time has not taken it', async () => {
  receiver.answerWith(() => 'hang');
  expect(await sender(receiver.url)(letter, never)).toEqual({
    delivered: false,
    failure: 'no answer within 300 ms',
    final: false,
  });
});

test('whoever is not there has not taken it, and the address is not told', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  expect(await sender(`http://127.0.0.1:${port}/a-secret-path`)(letter, never)).toEqual({
    delivered: false,
    failure: 'no answer: ECONNREFUSED',
    final: false,
  });
});

test('an answer without an end is not read', async () => {
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
  expect(sent).toEqual({ delivered: true });
  expect(await closed.promise).toBeLessThan(32 * 1024 * 1024);
});

test('either secret of two is enough to check a signature, another one is not', async () => {
  receiver.answerWith(() => 204);
  expect(await sender(receiver.url, [newSecret(), receiver.secret])(letter, never)).toEqual({ delivered: true });
  expect(await sender(receiver.url, [receiver.secret, newSecret()])(letter, never)).toEqual({ delivered: true });
  expect(await sender(receiver.url, [newSecret()])(letter, never)).toMatchObject({ failure: 'answered 401' });
  expect(receiver.wrong).toHaveLength(1);
});

test('a stop is no failure', async () => {
  receiver.answerWith(() => 'hang');
  const stopping = new AbortController();
  const sent = sender(receiver.url)(letter, stopping.signal);
  stopping.abort();
  await expect(sent).rejects.toThrow(/abort/i);
});
