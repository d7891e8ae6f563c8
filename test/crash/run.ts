import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { openRig } from './rig.ts';
import type { Rig } from './rig.ts';
import { makePlan } from './plan.ts';
import type { Plan } from './plan.ts';
import { ANY_TIME, collectPoints } from './points.ts';
import { runTrial } from './trial.ts';
import type { Counts, Verdict } from './trial.ts';

const USAGE = `npm run test:crash -- [--trials N] [--lanes N] [--seed S] [--point NAME]
  --trials N    how many trials (60)
  --lanes N     how many services at the same time (4)
  --seed S      repeats one trial, by the seed that it printed
  --point NAME  only trials about this fault point`;
const SERVER = process.env['TEST_DATABASE_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';

const MORE_ROUNDS = 4;

type Tally = { passed: number; failed: number; reached: Map<string, number>; settledMs: number[]; counts: Counts };

const NOTHING: Counts = { incoming: 0, incomingAttempts: 0, outgoing: 0, outgoingAttempts: 0 };
const COUNTED = ['incoming', 'incomingAttempts', 'outgoing', 'outgoingAttempts'] as const;

const say = (text: string) => process.stdout.write(`${text}\n`);

/** A seed names its point too, so that it determines the whole trial. */
function makePlans(points: readonly string[], trials: number): Plan[] {
  const run = randomBytes(4).toString('hex');
  return Array.from({ length: trials }, (_, i) => {
    const point = points[i % points.length]!;
    return makePlan(`${run}-${i}@${point.replaceAll(' ', '_')}`, point);
  });
}

function planOfSeed(seed: string): Plan {
  const point = seed.split('@')[1]?.replaceAll('_', ' ');
  if (point === undefined) throw new Error(`'${seed}' is no seed: it names no point`);
  const known = [...collectPoints(), ANY_TIME].find((name) => name.replaceAll('_', ' ') === point);
  if (known === undefined) throw new Error(`there is no fault point '${point}'`);
  return makePlan(seed, known);
}

async function work(rig: Rig, queue: Plan[], tally: Tally): Promise<void> {
  for (let plan = queue.shift(); plan; plan = queue.shift()) {
    const from = performance.now();
    const verdict = await tryOne(rig, plan);
    const passed = verdict.findings.length === 0;
    tally[passed ? 'passed' : 'failed'] += 1;
    tally.settledMs.push(verdict.settledMs);
    for (const name of COUNTED) tally.counts[name] += verdict.counts[name];
    if (verdict.died) tally.reached.set(plan.point, (tally.reached.get(plan.point) ?? 0) + 1);
    const seconds = ((performance.now() - from) / 1_000).toFixed(1);
    say(`${passed ? 'ok    ' : 'FAILED'} --seed ${plan.seed} ${verdict.died ? 'died' : 'lived'} ${seconds} s`);
    for (const finding of verdict.findings) say(`         ${finding}`);
  }
}

async function tryOne(rig: Rig, plan: Plan): Promise<Verdict> {
  try {
    return await runTrial(rig, plan);
  } catch (error) {
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { findings: [reason, ...rig.complaints()], died: false, settledMs: 0, counts: NOTHING };
  }
}

async function run(): Promise<boolean> {
  const { values } = parseArgs({
    options: {
      trials: { type: 'string', default: '60' },
      lanes: { type: 'string', default: '4' },
      seed: { type: 'string' },
      point: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    say(USAGE);
    return true;
  }
  const all = [...collectPoints(), ANY_TIME];
  const points = values.point === undefined ? all : all.filter((point) => point === values.point);
  const plans = values.seed === undefined ? makePlans(points, Number(values.trials)) : [planOfSeed(values.seed)];
  const tally: Tally = { passed: 0, failed: 0, reached: new Map(), settledMs: [], counts: { ...NOTHING } };
  const lanes = Math.min(Number(values.lanes), plans.length);
  say(`${plans.length} trials over ${points.length} points, ${lanes} services at a time`);
  const from = performance.now();
  const missedOf = () => (values.seed === undefined ? points.filter((point) => !tally.reached.has(point)) : []);
  await Promise.all(Array.from({ length: lanes }, () => workOnRig(plans, tally)));
  // Chance may have led past a point: it is tried for itself before it counts as missed.
  for (let more = 0; more < MORE_ROUNDS && missedOf().length > 0 && tally.failed === 0; more++) {
    await workOnRig(makePlans(missedOf(), 2 * missedOf().length), tally);
  }
  const missed = missedOf();
  report(tally, missed, plans, performance.now() - from);
  return tally.failed === 0 && missed.length === 0 && plans.length === 0;
}

async function workOnRig(queue: Plan[], tally: Tally): Promise<void> {
  const rig = await openRig(SERVER);
  try {
    await work(rig, queue, tally);
  } finally {
    await rig.close();
  }
}

function report(tally: Tally, missed: readonly string[], left: readonly Plan[], elapsedMs: number): void {
  for (const [point, count] of [...tally.reached].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    say(`  ${count} × ${point}`);
  for (const point of missed) say(`NEVER REACHED: ${point}`);
  if (left.length > 0) say(`NOT TRIED: ${left.length}`);
  const slowest = Math.max(0, ...tally.settledMs) / 1_000;
  const { incoming, incomingAttempts, outgoing, outgoingAttempts } = tally.counts;
  say(`${incoming} incoming webhooks in ${incomingAttempts} attempts, ${outgoing} outgoing in ${outgoingAttempts}`);
  say(`settled after ${slowest.toFixed(1)} s at most; ${(elapsedMs / 1_000).toFixed(0)} s in all`);
  say(`${tally.passed} passed, ${tally.failed} failed`);
}

process.exitCode = (await run()) ? 0 : 1;
