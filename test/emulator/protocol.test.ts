import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Emulator } from '../../src/emulator/emulator.ts';
import { call, createKey, startDemo } from './harness.ts';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startDemo();
});
afterAll(() => emulator.close());

const statusFor = (host: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const sent = request(`${emulator.url}/oauth2/jwks`, { headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.once('error', reject);
    sent.end();
  });

describe('the environment secret', () => {
  it('is required on every management route, where a customer key is refused', async () => {
    const { value } = await createKey(emulator);
    for (const key of [null, 'sk_wrong', value]) {
      for (const path of [
        '/organizations',
        '/organizations/org_acme/api_keys',
        '/events',
        '/webhook_endpoints',
        '/authorization/permissions',
        '/_emulator/state',
      ]) {
        expect(await call(emulator, 'GET', path, { key })).toMatchObject({
          status: 401,
          body: { message: 'Unauthorized' },
        });
      }
      expect(await call(emulator, 'POST', '/api_keys/validations', { key, body: { value } })).toMatchObject({
        status: 401,
      });
    }
  });
});

describe('every answer', () => {
  it('is JSON with its own request id, also for unknown routes and malformed bodies', async () => {
    const answers = [
      await call(emulator, 'GET', '/nowhere'),
      await call(emulator, 'GET', '/api_keys/api_key_1'),
      await call(emulator, 'POST', '/organizations/org_acme/api_keys', { body: '{"name":' }),
      await call(emulator, 'POST', '/organizations', { body: JSON.stringify({ name: 'x'.repeat(1_100_000) }) }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 400, 413]);
    for (const { body } of answers) expect(body).toMatchObject({ message: expect.any(String) });
    expect(new Set(answers.map(({ headers }) => headers.get('x-request-id'))).size).toBe(4);
  });

  it('is JSON for a malformed path', async () => {
    const response = await fetch(`${emulator.url}/organizations/%zz`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ message: expect.any(String) });
  });
});

describe('the server', () => {
  it.each(['0.0.0.0', '::', '192.0.2.1', 'example.com', '127.0.0.1.example.com'])(
    'does not start on %s',
    async (host) => {
      await expect(startDemo({ host })).rejects.toThrow(/loopback only/);
    },
  );

  it('listens on 127.0.0.1 for localhost', async () => {
    const other = await startDemo({ host: 'localhost' });
    expect(other.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    await other.close();
  });

  it('refuses to start on a taken port, and names it', async () => {
    const port = Number(new URL(emulator.url).port);
    await expect(startDemo({ port })).rejects.toThrow(`Port ${port} on 127.0.0.1 is already in use.`);
  });

  it('answers requests for loopback names only', async () => {
    expect(await statusFor('evil.example')).toBe(421);
    expect(await statusFor('localhost:4100')).toBe(200);
  });

  it('closes while a request is hanging', async () => {
    const other = await startDemo();
    other.faults.add({ kind: 'hang' });
    const outcome = fetch(`${other.url}/organizations`).catch((error: Error) => error.message);
    while (other.requests().length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await other.close();
    expect(await outcome).toBe('fetch failed');
  });
});
