import { expect, test } from 'vitest';
import { makeClient } from './client.ts';
import { startCluster } from './cluster.ts';

const BOUND_MS = 250;
const SKEW_MS = 10 * 60_000;

const cluster = await startCluster({ synchronous: false });
const { primary } = cluster;
// The monotonic clock goes on as it is, as where somebody sets the clock of a machine.
const env = { DONT_FAKE_MONOTONIC: '1' };
const [right, fast, slow] = await Promise.all([
  cluster.replica(primary.url),
  cluster.replica(primary.url, { env, under: ['faketime', '-f', '+10m'] }),
  cluster.replica(primary.url, { env, under: ['faketime', '-f', '-10m'] }),
]);
const client = await makeClient(cluster, [right, fast, slow]);

const at = (offsetMs: number) => new Date(Date.now() + offsetMs).toISOString();

test('replicas whose clocks are ten minutes off hear of a revocation as soon as the others', async () => {
  for (let i = 0; i < 3; i++) {
    const key = await client.create(right);
    for (const replica of [right, fast, slow]) await client.warm(replica, key);
    expect(await client.revoke(right, key)).toBe('ok');
    const revokedAt = performance.now();
    for (const replica of [right, fast, slow]) {
      let { code } = await client.verify(replica, key);
      while (code !== 'revoked' && performance.now() - revokedAt < BOUND_MS)
        ({ code } = await client.verify(replica, key));
      expect(code).toBe('revoked');
    }
  }
  expect([await client.ready(right), await client.ready(fast), await client.ready(slow)]).toEqual([200, 200, 200]);
});

test('an expiry is off by as much as the clock that judges it, and no more', async () => {
  const soon = await client.create(right, { expires_at: at(SKEW_MS / 2) });
  const later = await client.create(right, { expires_at: at(2 * SKEW_MS) });
  const codes = (key: typeof soon) =>
    Promise.all([right, fast, slow].map(async (replica) => (await client.verify(replica, key)).code));
  expect(await codes(soon)).toEqual(['valid', 'expired', 'valid']);
  expect(await codes(later)).toEqual(['valid', 'valid', 'valid']);
});
