import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { call, createKey } from '../support/api.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';

const PLACES = 5;
const service = await startService(
  {},
  { plans: [{ name: 'five_at_once', key_limit: 10, rate_limit: 'none', concurrency: PLACES }] },
);
const routes = await service.withoutFastPaths();

/** Asks, and is gone before the answer: orderly, or as a process that dies. */
function askAndLeave({ url }: { url: string }, body: object, how: 'end' | 'reset'): Promise<void> {
  const { hostname, port } = new URL(url);
  const text = JSON.stringify(body);
  const lines = [
    'POST /v1/api-keys/verify HTTP/1.1',
    'host: latchkey',
    'content-type: application/json',
    `authorization: Bearer ${SERVICE_TOKEN}`,
    `content-length: ${text.length}`,
  ];
  const { promise, resolve } = Promise.withResolvers<void>();
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined).on('close', () => resolve());
  socket.write(`${lines.join('\r\n')}\r\n\r\n${text}`, () =>
    how === 'end' ? socket.destroy() : socket.resetAndDestroy(),
  );
  return promise;
}

const aloneOf = (key: string) => ({ key });
const manyOf = (key: string) => ({ keys: [{ key }] });

describe('POST /v1/api-keys/verify', () => {
  test.each([
    ['by the fast path', service, aloneOf, 'end'],
    ['by the fast path, cut off', service, aloneOf, 'reset'],
    ['by the route', routes, aloneOf, 'end'],
    ['by the route, of many keys', service, manyOf, 'end'],
    ['by the route, of many keys, cut off', service, manyOf, 'reset'],
  ] as const)('leaves no lease to a client that is gone before its answer: %s', async (_what, at, bodyOf, how) => {
    const acme = await service.organizations.add({ status: 'active', plan: 'five_at_once' });
    const { value } = await createKey(service, await acme.session());
    const codeOf = async () =>
      (await call(at, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body: { key: value } })).body['code'];
    // In memory from here on, so that the answer is there at once.
    const asked = { key: value, lease: false };
    await call(at, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body: asked });
    for (let i = 0; i < PLACES + 3; i++) await askAndLeave(at, bodyOf(value), how);
    await call(at, 'GET', '/healthz');
    const codes = [];
    for (let i = 0; i < PLACES; i++) codes.push(await codeOf());
    expect(codes).toEqual(Array.from({ length: PLACES }, () => 'valid'));
    expect(await codeOf()).toBe('concurrency_limited');
  });
});
