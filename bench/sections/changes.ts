import { ask } from '../ask.ts';
import { sampleOf } from '../load.ts';
import type { Bench, Finding, Outcome, Section } from '../section.ts';
import { startServer } from '../start-server.ts';
import { count, ms } from '../tables.ts';
import { isValid } from '../targets.ts';
import { SERVICE_TOKEN } from '../tenants.ts';
import { makeKey } from '../world.ts';
import type { Callers } from '../world.ts';

const GIVE_UP_MS = 10_000;
const AT_ONCE = 8;
const REPLICA_MS = 50;
const MIDDLEWARE_MS = 250;

/** Two replicas on one database, and a service whose middleware listens to the second. */
type Cluster = { first: string; second: string; guarded: string; callers: Callers };
/** Where a revocation must become visible. `knows`: the key is answered from memory. */
type Place = { works: (key: string) => Promise<boolean>; knows: (key: string) => Promise<boolean> };
type Made = { id: string; value: string; token: string };
type Delay = { p50: number; p99: number; max: number };

/** Measures how soon another replica and a middleware obey a change. */
export const changes: Section = {
  name: 'changes',
  title: 'Revocations and new keys, seen from another process',
  needsPostgres: true,
  run: runChanges,
};

async function runChanges({ world, lifetime, length }: Bench): Promise<Outcome> {
  const first = (await world.latchkey()).url;
  const second = (await world.replica()).url;
  const env = { LATCHKEY_URL: second, LATCHKEY_TOKEN: SERVICE_TOKEN };
  const { url: guarded } = await startServer(lifetime, 'bench/servers/guarded-api.ts', 'other', env);
  const cluster = { first, second, guarded, callers: await world.callers() };
  const trials = length.short ? 20 : 200;
  const replica = await delays(cluster, trials, {
    works: (key) => worksAt(second, key),
    knows: async (key) => (await verify(second, key)).source === 'cache',
  });
  const middleware = await delays(cluster, trials, {
    works: (key) => passes(guarded, key),
    // One key at a time: a revoked key is no longer kept.
    knows: async () => (await (await fetch(`${guarded}/kept`)).json()) === 1,
  });
  const creates = length.short ? 50 : 1_000;
  return outcome({ trials, replica, middleware, creates, failures: await newKeys(cluster, creates) });
}

/** Measures, one revocation after the other, the time from the answer of DELETE on one replica to the first refusal. */
async function delays(cluster: Cluster, trials: number, place: Place): Promise<Delay> {
  const times: number[] = [];
  for (let trial = 0; trial < trials; trial++) {
    const { id, value, token } = await create(cluster, cluster.first, trial);
    await warm(place, value);
    await ask(cluster.first, 'DELETE', `/v1/api-keys/${id}`, token);
    times.push(await timeUntilRefused(() => place.works(value)));
  }
  const { p50, p99 } = sampleOf(times, 1);
  return { p50, p99, max: Math.max(...times) };
}

/** Waits until the key is answered from memory: a read that raced the invalidation of its creation is not cached. */
async function warm({ works, knows }: Place, key: string): Promise<void> {
  const from = performance.now();
  do {
    if (!(await works(key))) throw new Error('a new key did not work');
    if (performance.now() - from > GIVE_UP_MS) throw new Error('a key was never kept');
  } while (!(await knows(key)));
}

async function timeUntilRefused(works: () => Promise<boolean>): Promise<number> {
  const from = performance.now();
  while (await works()) if (performance.now() - from > GIVE_UP_MS) throw new Error('a revocation was never seen');
  return performance.now() - from;
}

/** Creates keys on either replica and uses each on both at once. @returns how many uses were refused */
async function newKeys(cluster: Cluster, creates: number): Promise<number> {
  let next = 0;
  let failures = 0;
  const work = async () => {
    for (let i = next++; i < creates; i = next++) {
      const { value } = await create(cluster, i % 2 === 0 ? cluster.first : cluster.second, i);
      const used = await Promise.all([cluster.first, cluster.second].map((url) => worksAt(url, value)));
      failures += used.filter((worked) => !worked).length;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return failures;
}

async function create({ callers }: Cluster, url: string, index: number): Promise<Made> {
  const token = callers.tokens[index % callers.tokens.length]!;
  return { ...(await makeKey(url, token)), token };
}

async function worksAt(url: string, key: string): Promise<boolean> {
  return isValid(await verify(url, key));
}

async function verify(url: string, key: string): Promise<{ source: string }> {
  return (await ask(url, 'POST', '/v1/api-keys/verify', SERVICE_TOKEN, { key })) as { source: string };
}

async function passes(url: string, key: string): Promise<boolean> {
  const response = await fetch(url, { headers: { 'x-api-key': key } });
  await response.arrayBuffer();
  if (response.status !== 200 && response.status !== 401) throw new Error(`the middleware answers ${response.status}`);
  return response.status === 200;
}

type Seen = { trials: number; replica: Delay; middleware: Delay; creates: number; failures: number };

function outcome({ trials, replica, middleware, creates, failures }: Seen): Outcome {
  return {
    findings: [
      within('a revocation seen by another replica, from the 200 of `DELETE`', replica, REPLICA_MS),
      within('a revocation seen by a middleware in another process', middleware, MIDDLEWARE_MS),
      {
        measure: `a new key works on every replica at once: ${count(creates)} creates, each used on two replicas`,
        mustReach: '0 failures',
        reached: `${failures} failures`,
        ok: failures === 0,
      },
    ],
    figures: { 'another replica': replica, 'a middleware that listens to it': middleware },
    raw: `| ${trials} revocations each, ms | p50 | p99 | max |\n|---|---|---|---|\n${row('another replica', replica)}${row('a middleware that listens to it', middleware)}`,
  };
}

function within(measure: string, { p99 }: Delay, bound: number): Finding {
  return { measure, mustReach: `p99 at most ${bound} ms`, reached: `p99 ${ms(p99)} ms`, ok: p99 <= bound };
}

function row(name: string, { p50, p99, max }: Delay): string {
  return `| ${name} | ${ms(p50)} | ${ms(p99)} | ${ms(max)} |\n`;
}
