import { once } from 'node:events';
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { sendJson } from '../../../src/http/fast-path/fast-path.ts';

const fail = () => {
  throw new Error('a full disk');
};

/** A server that answers three requests in one turn, the second one with what a test says. */
async function startServer(second: { status?: number; sent?: () => void }) {
  const failures: unknown[] = [];
  const held: ServerResponse[] = [];
  const server = createServer((_req, res) => {
    if (held.push(res) < 3) return;
    held.forEach((each, at) =>
      sendJson(each, {
        status: 200,
        json: '{}',
        headers: [],
        sent: () => undefined,
        ...(at === 1 && second),
        failed: (error) => void failures.push(error),
      }),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  /** Their statuses in the order in which they came. */
  const ask = async () => {
    const asked: Promise<number | string>[] = [];
    for (let i = 1; i <= 3; i++) {
      asked.push(
        fetch(url).then(
          ({ status }) => status,
          () => 'no answer',
        ),
      );
      await expect.poll(() => held.length, { interval: 1 }).toBe(i);
    }
    return Promise.all(asked);
  };
  return { ask, failures };
}

describe('sendJson', () => {
  test('closes the connection of an answer that cannot be written, and sends the others of its turn', async () => {
    const { ask, failures } = await startServer({ status: 0 });
    expect(await ask()).toEqual([200, 'no answer', 200]);
    expect(failures).toEqual([expect.any(RangeError)]);
  });

  test('sends all answers of a turn when what follows one of them throws', async () => {
    const { ask, failures } = await startServer({ sent: fail });
    expect(await ask()).toEqual([200, 200, 200]);
    expect(failures).toEqual([new Error('a full disk')]);
  });
});
