import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { makeMetrics } from '../../src/telemetry/metrics.ts';
import { makeRefreshWorkosLastUse } from '../../src/usage/refresh-workos-last-use.ts';
import { makeSdkGateway } from '../../src/workos/sdk-gateway.ts';
import { createKey } from '../support/api.ts';
import { COOKIE_PASSWORD, startService } from '../support/service.ts';
import { keysAtWorkos } from '../support/workos-keys.ts';

const MINUTE = 60_000;

function makeRefresh(perMinute: number, answer: () => Promise<undefined> = () => Promise.resolve(undefined)) {
  const asked: string[] = [];
  let now = 0;
  const refresh = makeRefreshWorkosLastUse({
    validateKey: (presented) => {
      asked.push(presented);
      return answer();
    },
    perMinute,
    elapsedMs: () => now,
  });
  return {
    asked,
    use: (n: number) => refresh(`sk_${n}`, { keyId: `api_key_${n}`, environment: 'live' }),
    advance: (milliseconds: number) => void (now += milliseconds),
  };
}

describe('refreshAtWorkos', () => {
  test('validates a key once an hour', () => {
    const { asked, use, advance } = makeRefresh(100);
    for (let i = 0; i < 61; i++) {
      for (let j = 0; j < 20; j++) use(1);
      advance(MINUTE);
    }
    expect(asked).toEqual(['sk_1', 'sk_1']);
  });

  test('validates many keys at the configured rate', () => {
    const { asked, use, advance } = makeRefresh(6);
    for (let n = 0; n < 100; n++) use(n);
    expect(asked).toHaveLength(6);
    advance(MINUTE / 6);
    for (let n = 0; n < 100; n++) use(n);
    expect(asked).toHaveLength(7);
    advance(30 * MINUTE);
    for (let n = 0; n < 100; n++) use(n);
    expect(asked).toHaveLength(13);
    expect(new Set(asked).size).toBe(13);
  });

  test('validates nothing at a rate of 0', () => {
    const { asked, use, advance } = makeRefresh(0);
    use(1);
    advance(90 * MINUTE);
    use(2);
    expect(asked).toEqual([]);
  });

  test('ignores a failure, and does not retry within the hour', async () => {
    const { asked, use, advance } = makeRefresh(100, () => Promise.reject(new Error('sk_1 is not liked')));
    use(1);
    // Nothing is thrown, and no rejection is left without a listener: vitest fails for one.
    await turn();
    advance(59 * MINUTE);
    use(1);
    expect(asked).toHaveLength(1);
    advance(MINUTE);
    use(1);
    await turn();
    expect(asked).toHaveLength(2);
  });

  test('does not wait for WorkOS', () => {
    const { asked, use } = makeRefresh(100, () => new Promise(() => undefined));
    expect(use(1)).toBeUndefined();
    expect(asked).toHaveLength(1);
  });

  test('makes WorkOS record the last use', async () => {
    const service = await startService();
    const { apiKey, clientId, url: apiUrl } = service.workos;
    const { validateKey } = makeSdkGateway({
      apiKey,
      clientId,
      apiUrl,
      cookiePassword: COOKIE_PASSWORD,
      timeoutMs: 2_000,
      breakerFailures: 5,
      workosCalls: makeMetrics().workosCalls,
    });
    const acme = await service.organizations.add();
    const key = await createKey(service, await acme.session());
    const known = async () => (await keysAtWorkos(service, acme.id))[0];
    expect(await known()).toMatchObject({ id: key.id, last_used_at: null });
    makeRefreshWorkosLastUse({ validateKey, perMinute: 1 })(key.value, { keyId: key.id, environment: 'live' });
    await expect.poll(known).toMatchObject({ last_used_at: expect.any(String) });
  });
});
