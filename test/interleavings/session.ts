import { watchRotations } from './check-rotations.ts';
import { play } from './play.ts';
import type { Result } from './play.ts';
import { MOST_LOOP_STEPS } from './quiet.ts';
import { formatSchedule } from './schedule.ts';
import type { Schedule } from './schedule.ts';
import { kindOf, shrink } from './shrink.ts';
import { describeFailure } from './trace.ts';
import { startWorld } from './world.ts';
import type { World } from './world.ts';

type Options = {
  /** By `performance.now()`. */
  endAt: number;
  /** How many interleavings, and how many kinds of failures, are enough. */
  limit: number;
  failures: number;
  /** Whether to report a failing interleaving as it is, instead of the smallest one. */
  keep: boolean;
  say: (text: string) => void;
};

export type Session = ReturnType<typeof makeSession>;

const SERVER = process.env['TEST_DATABASE_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';
/** Then all begins anew, with the machine's time. */
const PLAYS_PER_WORLD = 400;
const PROGRESS_MS = 60_000;

/** Plays interleavings, counts them and reports failures. */
export function makeSession({ endAt, limit, failures, keep, say }: Options) {
  const counts = { played: 0, steps: 0, loopSteps: 0, failed: 0 };
  const orders = new Set<string>();
  const ends = new Set<string>();
  const kinds = new Map<string, number>();
  let world: World | undefined;
  let saidAt = performance.now();

  async function playIn(schedule: Schedule): Promise<Result> {
    if (world && counts.played % PLAYS_PER_WORLD === 0) await endWorld();
    if (!world) {
      world = await startWorld(SERVER);
      await watchRotations(world.sql);
    }
    try {
      return await play(world, schedule);
    } catch (error) {
      // Nobody knows what is left of it.
      await endWorld();
      const findings = [`came to no end: ${error instanceof Error ? error.message : String(error)}`];
      return { findings, steps: [], lengths: [], branched: [], loopSteps: 0, endState: '' };
    }
  }
  async function endWorld(): Promise<void> {
    await world?.close();
    world = undefined;
  }
  function isOver(): boolean {
    return performance.now() >= endAt || counts.played >= limit || kinds.size >= failures;
  }
  function summary(): string {
    const { played, steps, loopSteps, failed } = counts;
    const quiet = `all done after at most ${loopSteps} of ${MOST_LOOP_STEPS} steps of loops`;
    return `${played} interleavings, ${orders.size} of them different, ${ends.size} end states, ${steps} steps, ${quiet}, ${failed} failed`;
  }

  return {
    playIn,
    endWorld,
    isOver,
    summary,
    hasFailed: () => counts.failed > 0,
    async play(schedule: Schedule): Promise<Result | undefined> {
      if (isOver()) return undefined;
      const result = await playIn(schedule);
      counts.played += 1;
      counts.steps += result.steps.length;
      counts.loopSteps = Math.max(counts.loopSteps, result.loopSteps);
      orders.add(`${schedule.operations.join()} ${result.steps.map(({ task, label }) => `${task}${label}`).join()}`);
      ends.add(result.endState);
      if (result.findings.length > 0) await fail(schedule, result);
      if (performance.now() - saidAt > PROGRESS_MS) {
        saidAt = performance.now();
        say(`… ${summary()}`);
      }
      return result;
    },
  };

  async function fail(schedule: Schedule, result: Result): Promise<void> {
    counts.failed += 1;
    const fresh = [...new Set(result.findings.map(kindOf))].filter((kind) => !kinds.has(kind));
    for (const kind of fresh) kinds.set(kind, counts.played);
    if (fresh.length === 0) return;
    say(`FAILED number ${counts.played}: ${formatSchedule(schedule)}`);
    const least = keep ? { schedule, result } : await shrink(playIn, schedule, result);
    say(describeFailure(least.schedule, least.result));
  }
}
