import { load } from '../load.ts';
import type { Sample, Target } from '../load.ts';
import { interleave, median } from '../rounds.ts';
import type { Rounds } from '../rounds.ts';
import type { Bench, Outcome, Section } from '../section.ts';
import { startServer } from '../start-server.ts';
import { ms, times } from '../tables.ts';
import { bearerTarget } from '../targets.ts';

/** Concurrent creates. Each takes a connection of the pool twice; more would only wait. */
const SOME = 16;
const BODY = { label: 'CI runner — staging', permission_set: 'read_only' };

/** Medians in milliseconds, one create at a time; `ratio` is to the sum of both parts. */
type Cost = { createMs: number; workosMs: number; transactionsMs: number; ratio: number };

const MAX_BEYOND_MS = 3.5;

/** Measures creates, and each of their parts alone. */
export const creates: Section = {
  name: 'creates',
  title: 'Sessions and creates',
  needsPostgres: false,
  run: runCreates,
};

async function runCreates({ world, lifetime, length }: Bench): Promise<Outcome> {
  const { url } = await world.latchkey();
  const { keys, tokens } = await world.callers();
  const env = await world.environment();
  const { url: alone } = await startServer(lifetime, 'bench/servers/create-parts.ts', 'measured', env);
  const named = await interleave(
    { session: bearerTarget(url, '/v1/me/session', keys), create: createTarget(url, tokens, SOME) },
    length,
  );
  const single: Sample[] = [];
  const costs: Cost[] = [];
  // The parts right after the whole, so that a slow moment of the machine affects both.
  for (let round = 0; round < length.rounds; round++) {
    single.push(await load(createTarget(url, tokens, 1), length.seconds));
    costs.push(await costOf(alone, length.seconds, single.at(-1)!));
  }
  return outcome({ ...named, single }, costs);
}

function createTarget(url: string, tokens: readonly string[], connections: number): Target {
  const target = bearerTarget(url, '/v1/api-keys', tokens);
  const requests = target.requests.map((request) => ({ ...request, body: BODY }));
  return { ...target, method: 'POST', connections, requests };
}

async function costOf(alone: string, seconds: number, { p50: createMs }: Sample): Promise<Cost> {
  const response = await fetch(`${alone}/?milliseconds=${seconds * 1_000}`);
  const parts = (await response.json()) as { workosMs: number[]; transactionsMs: number[] };
  const workosMs = median(parts.workosMs);
  const transactionsMs = median(parts.transactionsMs);
  return { createMs, workosMs, transactionsMs, ratio: createMs / (workosMs + transactionsMs) };
}

function outcome(named: Record<'session' | 'create' | 'single', Rounds>, costs: readonly Cost[]): Outcome {
  const cost = costs.toSorted((a, b) => a.ratio - b.ratio)[Math.floor(costs.length / 2)]!;
  const beyondMs = median(costs.map(({ createMs, workosMs }) => createMs - workosMs));
  return {
    findings: [
      {
        measure: 'a create one at a time, p50 beyond its call to WorkOS',
        mustReach: `at most ${MAX_BEYOND_MS} ms`,
        reached: `${ms(beyondMs)} ms`,
        ok: beyondMs <= MAX_BEYOND_MS,
      },
      {
        measure: 'a create, compared with its call to WorkOS and its two transactions, each alone',
        mustReach: 'at most 2×',
        reached: times(cost.ratio),
        ok: cost.ratio <= 2,
      },
    ],
    rounds: {
      '`GET /v1/me/session` by API key': named.session,
      '`POST /v1/api-keys`': named.create,
      '`POST /v1/api-keys`, one at a time': named.single,
    },
    raw: `One create takes ${ms(cost.createMs)} ms; its call to WorkOS alone ${ms(cost.workosMs)} ms, its two transactions alone ${ms(cost.transactionsMs)} ms (of the round with the median ratio).
`,
  };
}
