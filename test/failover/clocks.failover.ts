import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { makeClient, say } from './client.ts';
import { ask, startCluster } from './cluster.ts';

const BOUND_MS = 250;
const SKEW_MS = 10 * 60_000;
const LEASES_MS = 10_000;

const cluster = await startCluster({ synchronous: false });
const { primary } = cluster;
// The monotonic clock is unchanged, as when an operator sets the clock of a machine.
const env = { DONT_FAKE_MONOTONIC: '1', LATCHKEY_EVENTS_INTERVAL_MS: '200' };
const [right, fast, slow] = await Promise.all([
  cluster.replica(primary.url, { env }),
  cluster.replica(primary.url, { env, under: ['faketime', '-f', '+10m'] }),
  cluster.replica(primary.url, { env, under: ['faketime', '-f', '-10m'] }),
]);
const client = await makeClient(cluster, [right, fast, slow]);

const at = (offsetMs: number) => new Date(Date.now() + offsetMs).toISOString();

test('replicas whose clocks are ten minutes off receive a revocation as soon as the others', async () => {
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

/** Each lease of a loop that a replica takes: by which connection, and whether another one still held it. */
const NOTE_LEASES = `
  create table taken_leases (name text, taken_by integer, was_held boolean);
  create function note_lease() returns trigger language plpgsql as $$
  begin
    if current_query() like '%insert into event_cursors%' then
      insert into taken_leases values (new.name, pg_backend_pid(), coalesce(old.leased_until > clock_timestamp(), false));
    end if;
    return new;
  end $$;
  create trigger note_lease after update on event_cursors for each row execute function note_lease()`;

test('one replica at a time holds the lease of a loop, however far their clocks are from each other', async () => {
  await ask(primary, NOTE_LEASES);
  // Each look at the events takes longer than the others wait before they try.
  cluster.workos.faults.add({ kind: 'latency', ms: 500, times: 0, method: 'GET', path: '/events' });
  await sleep(LEASES_MS);
  cluster.workos.faults.clear();
  const taken = await ask(primary, "select * from taken_leases where name = 'workos'");
  expect(taken.filter(({ was_held }) => was_held)).toEqual([]);
  expect(taken.length).toBeGreaterThan(5);
  expect(new Set(taken.map(({ taken_by }) => taken_by)).size).toBeGreaterThan(1);
  say(
    `${taken.length} leases taken by ${new Set(taken.map(({ taken_by }) => taken_by)).size} connections, none of a holder`,
  );
});
