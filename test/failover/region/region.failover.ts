import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { makeClient, say } from '../client.ts';
import type { At, Key } from '../client.ts';
import { ask, startCluster } from '../cluster.ts';
import { becomesReady } from '../load.ts';
import { record } from '../results.ts';
import { recording } from '../recording.ts';
import { runEntry } from '../../process/start.ts';
import { environment } from '../../support/service.ts';
import { readsIn, readsOf, startFar, startRegion } from './region-setup.ts';

const BOUND_MS = 3_000;
// The statements of docs/how-to/run-in-another-region.md make the region.

/** One way: as far as between two coasts of a continent. */
const DELAY_MS = 30;
const REVOCATIONS = 200;
const AT_ONCE = 10;

const cluster = await startCluster({ synchronous: false, settings: ['wal_level=logical'] });
const { primary } = cluster;
const far = await startFar(primary.port, DELAY_MS);
const region = await startRegion(primary, far.port);
const inRegion = { DATABASE_READ_URL: region.readUrl, LATCHKEY_ROLE: 'api' };
const farUrl = primary.url.replace(`${primary.port}`, `${far.port}`);
const home = await cluster.replica(primary.url);
const [away, lenient, byStandby] = await Promise.all([
  cluster.replica(farUrl, { env: inRegion }),
  cluster.replica(farUrl, { env: { ...inRegion, LATCHKEY_STALE_GRACE_MS: '60000' } }),
  cluster.replica(farUrl, { env: { ...inRegion, DATABASE_READ_URL: cluster.standby.url } }),
]);
const { client, violations } = recording(await makeClient(cluster, [home, away]));
await Promise.all([away, lenient, byStandby].map((replica) => readsIn(replica, 'region')));

const percentile = (times: readonly number[], part: number) =>
  times.toSorted((a, b) => a - b)[Math.floor(times.length * part)]!;

type Refused = { calledValidMs: number; refusedMs: number };

/** Until when after its acknowledged revocation a key was called valid, and when it was refused first. */
async function revokeAndAsk(at: At, key: Key, revokeAt: At): Promise<Refused> {
  expect(await client.revoke(revokeAt, key)).toBe('ok');
  const from = performance.now();
  let calledValidMs = 0;
  for (;;) {
    const askedMs = performance.now() - from;
    const { code } = await client.verify(at, key);
    if (code !== 'valid') return { calledValidMs, refusedMs: performance.now() - from };
    if (askedMs > BOUND_MS) throw new Error('the key is valid for longer than the bound');
    calledValidMs = askedMs;
  }
}

/** Creates keys, and waits until the memory of a process answers for each. */
async function warmKeys(at: At): Promise<Key[]> {
  const keys = await Promise.all(Array.from({ length: AT_ONCE }, () => client.create(home)));
  await Promise.all(keys.map((key) => client.warm(at, key)));
  return keys;
}

test('a key that was made at home is good in the region at once, and soon read there', async () => {
  const key = await client.create(home);
  for (const replica of [away, lenient, byStandby]) expect((await client.verify(replica, key)).code).toBe('valid');
  const others = await Promise.all(Array.from({ length: AT_ONCE }, () => client.create(home)));
  await sleep(BOUND_MS);
  for (const replica of [away, byStandby]) {
    const before = await readsOf(replica);
    for (const other of others) expect((await client.verify(replica, other)).code).toBe('valid');
    const after = await readsOf(replica);
    expect([after.region - before.region, after.home - before.home]).toEqual([AT_ONCE, 0]);
  }
});

test('a revocation at home is refused in the region within milliseconds', async () => {
  const times: Refused[] = [];
  while (times.length < REVOCATIONS)
    for (const key of await warmKeys(away)) times.push(await revokeAndAsk(away, key, home));
  const [valid, refused] = [times.map(({ calledValidMs }) => calledValidMs), times.map(({ refusedMs }) => refusedMs)];
  await record('region', primary, {
    validP50: percentile(valid, 0.5),
    validP99: percentile(valid, 0.99),
    refusedP50: percentile(refused, 0.5),
    refusedP99: percentile(refused, 0.99),
  });
  // Sooner than a heartbeat would find it: by a notification.
  expect(percentile(valid, 0.5)).toBeLessThan(250);
  expect((await violations([home, away])).found).toEqual([]);
});

test('a revocation through a process of the region is refused by that process from its answer on', async () => {
  for (let i = 0; i < 10; i++) {
    const key = await client.create(away);
    await client.warm(away, key);
    expect(await client.revoke(away, key)).toBe('ok');
    // Its row in the region is older than this.
    for (let again = 0; again < 5; again++) expect((await client.verify(away, key)).code).toBe('revoked');
  }
});

test('with its subscription stopped a region goes on, reads at home, and calls no revoked key valid', async () => {
  const [kept, doomed, unseen] = [await client.create(home), await client.create(home), await client.create(home)];
  await sleep(BOUND_MS);
  for (const key of [kept, doomed]) await client.warm(away, key);
  await region.disable();
  const stoppedAt = performance.now();
  expect(await client.revoke(home, unseen)).toBe('ok');
  await revokeAndAsk(away, doomed, home);
  // The region has the row as it was before.
  expect((await client.verify(away, unseen)).code).toBe('revoked');
  await readsIn(away, 'home');
  const noticedMs = performance.now() - stoppedAt;
  const before = await readsOf(away);
  const later = await client.create(home);
  expect((await client.verify(away, later)).code).toBe('valid');
  expect((await client.verify(away, kept)).code).toBe('valid');
  expect((await readsOf(away)).region).toBe(before.region);
  expect(await client.ready(away)).toBe(200);
  expect(noticedMs).toBeLessThan(BOUND_MS + 500);
  await region.enable();
  const backMs = await readsIn(away, 'region');
  await becomesReady(client, away);
  expect((await client.verify(away, doomed)).code).toBe('revoked');
  await record('region-stopped', primary, { noticed: noticedMs, back: backMs });
});

test('with its database killed a region goes on, and reads at home', async () => {
  const [known, unknown] = [await client.create(home), await client.create(home)];
  await sleep(BOUND_MS);
  await client.warm(away, known);
  region.kill();
  expect((await client.verify(away, known)).code).toBe('valid');
  const from = performance.now();
  expect((await client.verify(away, unknown)).code).toBe('valid');
  await record('region-killed', primary, { firstRead: performance.now() - from });
  await revokeAndAsk(away, known, home);
  expect(await client.ready(away)).toBe(200);
  await region.beginAgain();
  await readsIn(away, 'region');
});

test('with its slot at home lost a region reads at home, and is copied anew as the page says', async () => {
  await region.loseSlot();
  const [doomed, later] = [await client.create(home), await client.create(home)];
  expect(await client.revoke(home, doomed)).toBe('ok');
  await readsIn(away, 'home');
  await region.copyAnew();
  const copiedMs = await readsIn(away, 'region');
  say(`slot lost: copied anew, read in the region after ${copiedMs.toFixed(0)} ms`);
  const before = await readsOf(away);
  expect((await client.verify(away, later)).code).toBe('valid');
  expect((await client.verify(away, doomed)).code).toBe('revoked');
  expect((await readsOf(away)).region).toBe(before.region + 1);
});

test('cut off from home in silence, a region refuses within 3 seconds, or answers stale', async () => {
  const [key, doomed] = [await client.create(home), await client.create(home)];
  for (const replica of [away, lenient]) for (const each of [key, doomed]) await client.warm(replica, each);
  far.cut();
  expect(await client.revoke(home, doomed)).toBe('ok');
  const revokedAt = performance.now();
  let last = 0;
  await client.until(BOUND_MS + 1_000, async () => {
    const asked = performance.now();
    if ((await client.verify(away, doomed)).code === 'valid') last = asked - revokedAt;
  });
  await record('region-cut-off', primary, { stalest: last });
  expect(last).toBeLessThan(BOUND_MS);
  expect(await client.verify(away, key)).toMatchObject({ status: 503, code: 'database_unavailable' });
  expect(await client.verify(lenient, key)).toEqual({ status: 200, code: 'valid', stale: true });
  expect([await client.ready(away), await client.ready(lenient)]).toEqual([503, 503]);
  far.restore();
  await Promise.all([becomesReady(client, away), becomesReady(client, lenient)]);
  expect((await client.verify(away, doomed)).code).toBe('revoked');
  await readsIn(away, 'region');
  expect((await violations([home, away])).found).toEqual([]);
});

test.each([
  ['of home itself', primary.url, /it is no standby, and has no subscription/],
  ['of a role without rights', region.readUrl.replace('latchkey_region', 'latchkey_app'), /not permitted to log in/],
  ['of an empty database', region.readUrl.replace('/postgres', '/template1'), /it lacks .* columns/],
  ['of several servers', region.readUrl.replace('/postgres', ',127.0.0.1:1/postgres'), /one server/],
])('a start with a DATABASE_READ_URL %s says so and stops', async (_which, url, reason) => {
  const given = { ...environment(cluster.workos), DATABASE_URL: primary.url, PORT: '0', DATABASE_READ_URL: url };
  const refused = await runEntry('main', given);
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('DATABASE_READ_URL')]);
  expect(refused.stderr).toMatch(reason);
});

test('a start where nothing answers at DATABASE_READ_URL says so, and reads at home', async () => {
  const url = 'postgres://127.0.0.1:1/postgres';
  const replica = await cluster.replica(primary.url, { env: { DATABASE_READ_URL: url } });
  expect(replica.child.stdout()).toContain('region database does not follow yet; reading at home');
  expect((await client.verify(replica, await client.create(home))).code).toBe('valid');
});

test('a start whose publication lacks a table says so and stops', async () => {
  await ask(primary, 'alter publication latchkey_region drop table members');
  const given = {
    ...environment(cluster.workos),
    DATABASE_URL: primary.url,
    PORT: '0',
    DATABASE_READ_URL: region.readUrl,
  };
  const refused = await runEntry('main', given);
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/the publication lacks.* members\./)]);
  await ask(primary, 'alter publication latchkey_region add table members');
});
