import { setTimeout as sleep } from 'node:timers/promises';
import { load } from '../load.ts';
import type { Target } from '../load.ts';
import { cpuSeconds, loadForCosts } from '../process-costs.ts';
import type { CostSample } from '../process-costs.ts';
import { median } from '../rounds.ts';
import type { Bench, Finding, Outcome, Section } from '../section.ts';
import { times } from '../tables.ts';
import { verifyTarget } from '../targets.ts';
import { SERVICE_TOKEN } from '../tenants.ts';

const AT_MOST = 1.1;
const TRIES = 100;
const PAUSE_MS = 100;

const KEYS = { plain: 'verify', limited: 'verify, keys with a rate limit, counted in Redis' } as const;
type Kind = keyof typeof KEYS;
type Service = Record<Kind, Target> & { pid: number };

/** Compares what a verification costs with one process and with two on the same core. */
export const processes: Section = {
  name: 'processes',
  title: 'Two processes of one machine (`LATCHKEY_PROCESSES`) that share PostgreSQL and Redis',
  needsPostgres: true,
  run: runProcesses,
};

async function runProcesses(bench: Bench): Promise<Outcome> {
  const { rounds, seconds } = bench.length;
  const redisUrl = process.env['TEST_REDIS_URL'];
  if (!redisUrl) return { findings: [], raw: 'Not measured: this needs `TEST_REDIS_URL`.\n' };
  const one = await start(bench, redisUrl, 1);
  const two = await start(bench, redisUrl, 2);
  if (cpuSeconds(two.pid) === undefined) return { findings: [], raw: 'Not measured: this machine has no `/proc`.\n' };
  const findings: Finding[] = [];
  const named: Record<string, CostSample[]> = {};
  for (const [kind, name] of Object.entries(KEYS) as [Kind, string][]) {
    for (const service of [one, two]) await load(service[kind], seconds);
    const [ofOne, ofTwo]: [CostSample[], CostSample[]] = [[], []];
    for (let round = 0; round < rounds; round++) {
      ofOne.push(await loadForCosts(one[kind], one.pid, seconds));
      ofTwo.push(await loadForCosts(two[kind], two.pid, seconds));
    }
    named[`${name}: one process`] = ofOne;
    named[`${name}: two processes on the same core`] = ofTwo;
    findings.push(judge(name, ofOne, ofTwo));
  }
  const costs = Object.entries(named).map(([name, of]) => `${name} ${median(of.map(({ cpu }) => cpu)).toFixed(1)}`);
  return { findings, rounds: named, raw: `Seconds of processor for a million: ${costs.join('; ')}.\n` };
}

async function start({ world, lifetime }: Bench, redisUrl: string, processes: number): Promise<Service> {
  const { keys, limitedKeys } = await world.callers();
  const env = { ...(await world.environment()), REDIS_URL: redisUrl, LATCHKEY_PROCESSES: `${processes}` };
  const { url, pid } = await world.startLatchkey(lifetime, 'measured', env);
  await untilServing(url, processes);
  return { pid, plain: verifyTarget(url, keys), limited: verifyTarget(url, limitedKeys) };
}

/** A scrape has the metrics of all processes, each with its own label. */
async function untilServing(url: string, processes: number): Promise<void> {
  if (processes === 1) return;
  for (let i = 0; i < TRIES; i++, await sleep(PAUSE_MS)) {
    const response = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${SERVICE_TOKEN}` } });
    const text = await response.text();
    if (text.includes(`process="${processes - 1}"`)) return;
  }
  throw new Error('not all processes came to serve');
}

function judge(name: string, one: readonly CostSample[], two: readonly CostSample[]): Finding {
  const more = median(two.map(({ cpu }, round) => cpu / one[round]!.cpu));
  return {
    measure: `${name}: seconds of processor for a million, two processes compared with one`,
    mustReach: `at most ${times(AT_MOST)}`,
    reached: times(more),
    ok: more <= AT_MOST,
  };
}
