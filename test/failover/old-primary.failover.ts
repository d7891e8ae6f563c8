import { expect, test } from 'vitest';
import { makeClient } from './client.ts';
import { startCluster } from './cluster.ts';
import { recording } from './recording.ts';
import { record } from './results.ts';

const BOUND_MS = 3_000;

const cluster = await startCluster({ synchronous: true });
const { primary, standby } = cluster;
const [old, graceful] = await Promise.all([
  cluster.replica(primary.url),
  cluster.replica(primary.url, { env: { LATCHKEY_STALE_GRACE_MS: '60000' } }),
]);
const { client, violations } = recording(await makeClient(cluster, [old, graceful]));

test('replicas on an old primary that lives on refuse within 3 seconds; with a grace they say stale', async () => {
  const keys = await Promise.all(Array.from({ length: 5 }, () => client.create(old)));
  for (const replica of [old, graceful]) for (const key of keys) await client.warm(replica, key);
  const promotedAt = performance.now();
  await standby.promote();
  const lastValid: number[] = [];
  const watch = client.until(8_000, async () => {
    const asked = performance.now();
    for (const key of keys) if ((await client.verify(old, key)).code === 'valid') lastValid.push(asked);
  });
  const fresh = await cluster.replica(standby.url);
  for (const key of keys) expect(await client.revoke(fresh, key)).toBe('ok');
  await watch;
  const servedMs = Math.max(...lastValid) - promotedAt;
  await record('old-primary', standby, { valid: servedMs });
  expect(servedMs).toBeGreaterThan(0);
  expect(servedMs).toBeLessThan(BOUND_MS + 250);
  for (const key of keys) {
    expect(await client.verify(old, key)).toEqual({ status: 503, code: 'database_unavailable', stale: undefined });
    expect(await client.verify(graceful, key)).toEqual({ status: 200, code: 'valid', stale: true });
    expect(await client.verify(fresh, key)).toEqual({ status: 200, code: 'revoked', stale: false });
  }
  expect([await client.ready(old), await client.ready(graceful), await client.ready(fresh)]).toEqual([503, 503, 200]);
  // The others stay on a server that is no primary any more.
  expect((await violations([fresh])).found).toEqual([]);
});
