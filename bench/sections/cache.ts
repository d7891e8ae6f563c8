import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from '../ask.ts';
import { secretOf } from '../filled-database.ts';
import { checkAnswers, load } from '../load.ts';
import type { Target } from '../load.ts';
import { loadForCosts, residentMb } from '../process-costs.ts';
import type { CostSample } from '../process-costs.ts';
import { median, ratio } from '../rounds.ts';
import type { Bench, Finding, Outcome, Section } from '../section.ts';
import { count, times } from '../tables.ts';
import { SERVICE_TOKEN } from '../tenants.ts';
import { verifyRequest, verifyTarget } from '../targets.ts';

const FEW = 1_000;
const AT_A_TIME = 100;
const FILLERS = 4;
const TRIES = 10;
const PAUSE_MS = 1_000;
/** Until the uses of the filling are written, and what the filling took is collected. */
const SETTLE_MS = 15_000;
const AT_MOST_BYTES = 600;
const AT_MOST_MB = 700;
const AT_LEAST = 0.9;
const BYTES = 1_048_576;

type Memory = { beforeMb: number; filledMb: number; afterMb: number };

/** Measures a cache that holds every key of the large mirror. */
export const cache: Section = {
  name: 'cache',
  title: 'A cache of all keys (`LATCHKEY_CACHE_MAX_KEYS`)',
  needsPostgres: true,
  run: runCache,
};

async function runCache({ world, lifetime, length }: Bench): Promise<Outcome> {
  const keys = world.manyKeys;
  const env = {
    ...(await world.environment()),
    DATABASE_URL: await world.manyKeysUrl(),
    LATCHKEY_CACHE_MAX_KEYS: `${keys}`,
  };
  const { url, pid } = await world.startLatchkey(lifetime, 'measured', env);
  const among = (most: number): Target => ({
    ...verifyTarget(url, []),
    next: () => verifyRequest(secretOf(randomInt(most))),
    accepts: isFromMemory,
  });
  const targets = { few: among(FEW), all: among(keys) };
  // What is only needed once it runs, such as compiled code, is not of the keys.
  await verifyAll(url, FEW);
  await load(targets.few, length.seconds);
  const beforeMb = residentMb(pid);
  if (beforeMb === undefined) return { findings: [], raw: 'This machine has no `/proc`: not measured.\n' };
  await verifyAll(url, keys);
  await sleep(length.short ? 0 : SETTLE_MS);
  const filledMb = residentMb(pid)!;
  for (const target of Object.values(targets)) await checkAnswers(target);
  const named = { few: [] as CostSample[], all: [] as CostSample[] };
  for (let round = 0; round < length.rounds; round++) {
    named.few.push(await loadForCosts(targets.few, pid, length.seconds));
    named.all.push(await loadForCosts(targets.all, pid, length.seconds));
  }
  return outcome(keys, named, { beforeMb, filledMb, afterMb: residentMb(pid)! });
}

/** Verifies each key once, so that the cache holds it. */
async function verifyAll(url: string, keys: number): Promise<void> {
  let next = 0;
  async function fill(): Promise<void> {
    while (next < keys) {
      const from = next;
      next += AT_A_TIME;
      const asked = Array.from({ length: Math.min(AT_A_TIME, keys - from) }, (_, i) => ({ key: secretOf(from + i) }));
      await tried(() => ask(url, 'POST', '/v1/api-keys/verify', SERVICE_TOKEN, { keys: asked }));
    }
  }
  await Promise.all(Array.from({ length: FILLERS }, fill));
}

/** A busy machine may let the database's beat be late for a moment. */
async function tried(work: () => Promise<unknown>): Promise<void> {
  for (let left = TRIES; left > 0; left--) {
    try {
      return void (await work());
    } catch (error) {
      if (left === 1) throw error;
      await sleep(PAUSE_MS);
    }
  }
}

function isFromMemory(answer: unknown): boolean {
  const { valid, source } = answer as { valid?: unknown; source?: unknown };
  return valid === true && source === 'cache';
}

function outcome(keys: number, { few, all }: Record<'few' | 'all', CostSample[]>, memory: Memory): Outcome {
  const { beforeMb, filledMb, afterMb } = memory;
  const bytes = ((filledMb - beforeMb) * BYTES) / keys;
  const mb = Math.max(filledMb, afterMb);
  const rate = ratio(all, few, 'requestsPerSecond');
  const cpu = median(all.map((sample, round) => sample.cpu / few[round]!.cpu));
  const findings: Finding[] = [
    {
      measure: `resident memory for each key in the cache, of ${count(keys)}`,
      mustReach: `at most ${AT_MOST_BYTES} bytes`,
      reached: `${count(bytes)} bytes`,
      ok: bytes <= AT_MOST_BYTES,
    },
    {
      measure: `verify one of ${count(keys)} keys in the cache, compared with one of ${count(FEW)}`,
      mustReach: `at least ${AT_LEAST}× the requests/s, in ${AT_MOST_MB} MB`,
      reached: `${times(rate)} with ${times(cpu)} the processor time for each, p99 ${times(ratio(all, few, 'p99'))}, ${count(mb)} MB`,
      ok: rate >= AT_LEAST && mb <= AT_MOST_MB,
    },
  ];
  return {
    findings,
    rounds: { [`one of ${count(FEW)} keys`]: few, [`one of ${count(keys)} keys`]: all },
    figures: { 'resident memory': { beforeMb, filledMb, afterMb } },
    raw: `MB before the keys, with all of them, and after the rounds: ${[beforeMb, filledMb, afterMb].map(count).join(' · ')}.\n`,
  };
}
