import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { makeClient } from './client.ts';
import { ask, startCluster } from './cluster.ts';
import { becomesReady } from './load.ts';
import { recording } from './recording.ts';

const BOUND_MS = 3_000;
/** Longer than a client waits for a commit: then it would try again. */
const MORE_MS = 10_000;

const cluster = await startCluster({ synchronous: true });
const { primary, standby } = cluster;
const [strict, lenient] = await Promise.all([
  cluster.replica(primary.url),
  cluster.replica(primary.url, { env: { LATCHKEY_STALE_GRACE_MS: '60000' } }),
]);
const { client, violations } = recording(await makeClient(cluster, [strict, lenient]));

/** How many connections of the server wait for the standby. */
async function waitingCommits(): Promise<number> {
  const [row] = await ask(primary, "select count(*)::int as n from pg_stat_activity where wait_event = 'SyncRep'");
  return Number(row?.['n']);
}

test('without its standby a primary confirms nothing: writes are unknown, checks refused or stale, until it is back', async () => {
  const [kept, doomed] = [await client.create(strict), await client.create(strict)];
  await client.warm(strict, kept);
  await client.warm(lenient, kept);
  await standby.stop();
  const stoppedAt = performance.now();
  // One commit waits; it is asked for before readiness is lost, as a client would.
  const revoked = client.revoke(strict, doomed);
  await sleep(BOUND_MS + 500);
  expect(await client.verify(strict, kept)).toMatchObject({ status: 503, code: 'database_unavailable' });
  expect(await client.verify(lenient, kept)).toEqual({ status: 200, code: 'valid', stale: true });
  expect([await client.ready(strict), await client.ready(lenient)]).toEqual([503, 503]);
  const held = await waitingCommits();
  expect(await revoked).toBe('unknown');
  expect(performance.now() - stoppedAt).toBeLessThan(10_000);
  // Loops pause and requests are refused: however long it takes, no more connections wait.
  expect(held).toBeGreaterThan(0);
  await sleep(MORE_MS);
  expect(await waitingCommits()).toBeLessThanOrEqual(held);

  await standby.begin();
  await Promise.all([becomesReady(client, strict), becomesReady(client, lenient)]);
  expect(await client.verify(strict, kept)).toMatchObject({ code: 'valid', stale: false });
  expect(['valid', 'revoked']).toContain((await client.verify(strict, doomed)).code);
  expect((await violations([strict, lenient])).found).toEqual([]);
});

test('a commit whose wait for the standby is cancelled is not acknowledged, although the server says success', async () => {
  const key = await client.create(strict);
  await standby.stop();
  const revoked = client.revoke(strict, key);
  let cancelled = 0;
  for (let i = 0; i < 40 && cancelled === 0; i++) {
    await sleep(100);
    const rows = await ask(
      primary,
      "select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep' and application_name = 'latchkey'",
    );
    cancelled = rows.length;
  }
  expect(cancelled).toBeGreaterThan(0);
  expect(await revoked).toBe('unknown');
  await standby.begin();
  expect((await violations([strict, lenient])).found).toEqual([]);
});
