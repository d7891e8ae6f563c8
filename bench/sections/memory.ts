import { randomInt } from 'node:crypto';
import { secretOf } from '../filled-database.ts';
import { load } from '../load.ts';
import type { Target } from '../load.ts';
import { residentMb } from '../process-costs.ts';
import type { Bench, Outcome, Section } from '../section.ts';
import { count } from '../tables.ts';
import { verifyRequest, verifyTarget } from '../targets.ts';

const AT_MOST_MB = 200;
/** The growth in the second half of the soak that counts as flat: less is noise of the garbage collector. */
const FLAT_MB_PER_MINUTE = 1;
const SAMPLE_SECONDS = 1;

type Soak = { mb: number[]; requests: number; seconds: number };

/** Measures the service's memory while every key of the large mirror is verified. */
export const memory: Section = {
  name: 'memory',
  title: 'Resident memory, default cache, random keys',
  needsPostgres: true,
  run: runMemory,
};

async function runMemory({ world, lifetime, length }: Bench): Promise<Outcome> {
  const env = { ...(await world.environment()), DATABASE_URL: await world.manyKeysUrl() };
  const { url, pid } = await world.startLatchkey(lifetime, 'measured', env);
  if (residentMb(pid) === undefined) return { findings: [], raw: 'This machine has no `/proc`: not measured.\n' };
  const target = { ...verifyTarget(url, []), next: () => verifyRequest(secretOf(randomInt(world.manyKeys))) };
  return outcome(await soak(target, pid, length.soakMinutes * 60), world.manyKeys);
}

async function soak(target: Target, pid: number, seconds: number): Promise<Soak> {
  const mb: number[] = [residentMb(pid)!];
  const timer = setInterval(() => mb.push(residentMb(pid) ?? Number.NaN), SAMPLE_SECONDS * 1_000);
  try {
    const { requestsPerSecond } = await load(target, seconds);
    return { mb, requests: requestsPerSecond * seconds, seconds };
  } finally {
    clearInterval(timer);
  }
}

function outcome({ mb, requests, seconds }: Soak, keys: number): Outcome {
  const max = Math.max(...mb);
  const slope = slopePerMinute(mb.slice(Math.floor(mb.length / 2)));
  const minutes = seconds / 60;
  return {
    findings: [
      {
        measure: `resident memory at ${count(keys)} keys, default cache, ${minutes} minutes`,
        mustReach: `at most ${AT_MOST_MB} MB, flat`,
        reached: `${count(max)} MB at most, ${slope.toFixed(2)} MB a minute in the second half`,
        ok: max <= AT_MOST_MB && slope <= FLAT_MB_PER_MINUTE,
      },
    ],
    figures: { 'resident memory': { minutes, atMost: AT_MOST_MB, mb: tenths(mb) } },
    raw: `${count(requests)} verifications in ${minutes} minutes. MB at the start, at each tenth, and at the end: ${tenths(mb).map(count).join(' · ')}.\n`,
  };
}

function tenths(values: readonly number[]): number[] {
  return Array.from({ length: 11 }, (_, i) => values[Math.round((i * (values.length - 1)) / 10)]!);
}

/** Returns the slope of the regression line through the samples, in MB a minute. */
function slopePerMinute(mb: readonly number[]): number {
  const meanX = (mb.length - 1) / 2;
  const meanY = mb.reduce((sum, y) => sum + y, 0) / mb.length;
  const over = mb.reduce((sum, y, x) => sum + (x - meanX) * (y - meanY), 0);
  const under = mb.reduce((sum, _, x) => sum + (x - meanX) ** 2, 0);
  return under === 0 ? 0 : (over / under / SAMPLE_SECONDS) * 60;
}
