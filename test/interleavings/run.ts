import { parseArgs } from 'node:util';
import { makeRandom } from '../crash/random.ts';
import { allPairs, explorePair, randomSchedule } from './explore.ts';
import type { Bounds } from './explore.ts';
import { OPERATION_NAMES } from './operations.ts';
import { parseSchedule } from './schedule.ts';
import { makeSession } from './session.ts';
import type { Session } from './session.ts';
import { describeFailure } from './trace.ts';

// docs/explanation/interleavings.md explains it; docs/how-to/contribute/test-concurrent-changes.md shows how to use it.
const USAGE = `npm run test:interleavings -- [--minutes N] [--seed S] [--stride N] [--random N] [--only A,B,…] [--limit N] [--replay S]
  --minutes N   as many as there is time for: every two operations at every boundary, then four, or two, by chance
  --seed S      which ones (PROPERTY_SEED, else always the same)
  --stride N    of two operations, at every Nth boundary (16)
  --twice       of two operations then also those in which each interrupts the other
  --random N    of four operations, and of two, by chance (200)
  --only A,B    only these operations
  --limit N     at most so many in all
  --failures N  ends after so many kinds of failures (5)
  --keep        keeps a failing interleaving as it is, instead of looking for the least
  --replay S    plays one schedule, as a failure prints it`;
const DEFAULT_SEED = '20261121';

const say = (text: string) => process.stdout.write(`${text}\n`);

function readOptions() {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string' },
      seed: { type: 'string', default: process.env['PROPERTY_SEED'] ?? DEFAULT_SEED },
      stride: { type: 'string', default: '16' },
      random: { type: 'string', default: '200' },
      twice: { type: 'boolean', default: false },
      only: { type: 'string' },
      limit: { type: 'string' },
      failures: { type: 'string', default: '5' },
      keep: { type: 'boolean', default: false },
      replay: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  const minutes = values.minutes === undefined ? undefined : count('minutes', values.minutes);
  return {
    ...values,
    endAt: minutes === undefined ? Infinity : performance.now() + minutes * 60_000,
    stride: minutes === undefined ? count('stride', values.stride) : 1,
    random: minutes === undefined ? count('random', values.random) : Infinity,
    names: values.only === undefined ? OPERATION_NAMES : parseSchedule(`${values.only}:`).operations,
    limit: values.limit === undefined ? Infinity : count('limit', values.limit),
    failures: count('failures', values.failures),
    say,
  };
}

/** @throws Error for what is no number of things */
function count(name: string, value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 0 || value.trim() === '')
    throw new Error(`--${name} needs a whole number, not '${value}'`);
  if (number === 0 && name !== 'random') throw new Error(`--${name} needs at least 1`);
  return number;
}

type Options = ReturnType<typeof readOptions>;

async function explore(session: Session, options: Options): Promise<void> {
  const { seed, stride, names, random } = options;
  const chance = makeRandom(`interleavings ${seed}`);
  const offset = chance.below(stride);
  const shapes: Bounds['shapes'] = new Map();
  const pairs = shuffled(allPairs(names), chance);
  // One interruption finds most, and two are so many that a limit is reached within the first pair.
  for (const interruptions of options.twice ? ([1, 2] as const) : ([1] as const))
    for (const [i, pair] of pairs.entries())
      if (!(await explorePair(session.play, pair, { stride, interruptions, shapes, offset: offset + i }))) return;
  say(`of two operations: ${session.summary()}`);
  for (let i = 0; i < random; i++)
    if (!(await session.play(randomSchedule(chance, i % 4 === 3 ? 2 : 4, names)))) return;
}

/** So that whatever ends early has seen some of everything. */
function shuffled<T>(items: T[], chance: ReturnType<typeof makeRandom>): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = chance.below(i + 1);
    [items[i], items[j]] = [items[j]!, items[i]!];
  }
  return items;
}

async function replay(session: Session, text: string): Promise<void> {
  const schedule = parseSchedule(text);
  const result = await session.play(schedule);
  if (result?.findings.length === 0) say(describeFailure(schedule, result));
}

async function run(): Promise<boolean> {
  const options = readOptions();
  if (options.help) {
    say(USAGE);
    return true;
  }
  const session = makeSession(options);
  const from = performance.now();
  try {
    await (options.replay === undefined ? explore(session, options) : replay(session, options.replay));
  } finally {
    await session.endWorld();
  }
  say(`seed ${options.seed}: ${session.summary()}; ${((performance.now() - from) / 1_000).toFixed(0)} s`);
  return !session.hasFailed();
}

process.exitCode = (await run()) ? 0 : 1;
