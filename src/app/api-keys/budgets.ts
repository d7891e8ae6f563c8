import type { Knex } from 'knex';
import type { Logger } from 'pino';
import { Counter } from 'prom-client';
import { makeSignInRates } from '../../sessions/sign-in/sign-in-rates.ts';
import { makeReplicas } from '../../background/replicas.ts';
import type { Clock } from '../../clock.ts';
import type { Config } from '../../config/config.ts';
import { makeKeyChanges } from '../../api-keys/rules/key-changes.ts';
import { makeFairTurns } from '../../limits/fair-turns.ts';
import type { FairTurns } from '../../limits/fair-turns.ts';
import type { Limiter } from '../../limits/limiter.ts';
import { makeSlots } from '../../limits/slots.ts';
import { makeRateLimiter } from '../../background/rate-limiter.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { Tracing } from '../../telemetry/tracing.ts';
import { makeLimitsParts } from './limits.ts';

type Deps = {
  config: Pick<Config, 'budgets' | 'workos'>;
  limiter: Pick<Limiter, 'takeRate'>;
  metrics: Pick<Metrics, 'registry'>;
  tracing: Tracing | undefined;
  /** The number of processes that share the rate of calls to WorkOS. */
  replicas: () => number;
};

type FairOptions = Parameters<typeof makeFairTurns>[0];

type SharesDeps = Pick<Deps, 'metrics' | 'tracing'> & {
  config: Pick<Config, 'budgets' | 'workos' | 'limits' | 'role'>;
  db: Knex;
  clock: Clock;
  log: Logger;
};

export type Budgets = ReturnType<typeof makeBudgets>;

/** Each has a line in docs/reference/limits.md. */
const BUDGETS = [
  'workos_questions',
  'spare_look_ups',
  'session_refreshes',
  'person_names',
  'unexpected_keys',
  'sign_ins_of_address',
  'sign_ins_of_account',
  'failed_credentials',
  'salted_hashes',
  'key_changes',
  'key_changes_of_organization',
  'staff_requests',
  'streams',
  'exports',
] as const;
type Budget = (typeof BUDGETS)[number];
type Count = (outcome: 'taken' | 'refused') => void;

/** A caller still waits after this long. */
const MAX_WAIT_MS = 1_000;
const LONG_WAIT_MS = 2_000;

/** Makes what callers and processes share: limits of keys, budgets, and the rate of calls to WorkOS. */
export function makeShares(deps: SharesDeps) {
  const { config, db, tracing } = deps;
  const replicas = makeReplicas({ db, role: config.role });
  const rateLimiter = makeRateLimiter(config.workos.settlementsPerSecond, replicas.working);
  const limits = makeLimitsParts(deps);
  const { limiter } = limits;
  return {
    replicas,
    /** Bounds all background calls to WorkOS. */
    rateLimiter: tracing
      ? { ...rateLimiter, turn: tracing.waiting('wait for turn', {}, rateLimiter.turn) }
      : rateLimiter,
    limits,
    limiter,
    budgets: makeBudgets({ ...deps, limiter, replicas: replicas.answering }),
  };
}

/** Makes the budgets that tenants and anonymous callers share. */
function makeBudgets({ config, limiter, metrics, tracing, replicas }: Deps) {
  const { budgets, workos } = config;
  const countFor = makeCounts(metrics);
  const minutesOf = (what: string, limit: number, count: Count) => async (who: string) => {
    const rate = { limit, windowSeconds: 60 };
    const taken = await limiter.takeRate(`${what} ${who}`, rate, 1);
    count(taken.refused ? 'refused' : 'taken');
    return { ...taken, ...rate };
  };
  const fair = (budget: Budget, options: Pick<FairOptions, 'perSecond' | 'maxWaitMs' | 'replicas'>) =>
    showWaits(tracing, budget, makeFairTurns({ ...options, maxWaiting: options.perSecond, count: countFor(budget) }));
  const turns = (budget: Budget, perSecond: number, maxWaitMs = MAX_WAIT_MS) => fair(budget, { perSecond, maxWaitMs });
  const shared = (budget: Budget, perSecond: number, maxWaitMs = MAX_WAIT_MS) =>
    fair(budget, { perSecond, maxWaitMs, replicas });
  return {
    streams: {
      maxStreams: budgets.streams,
      maxPerOrganization: budgets.streamsPerOrganization,
      count: countFor('streams'),
    },
    exports: makeSlots({
      max: budgets.exports,
      maxPerOrganization: budgets.exportsPerOrganization,
      count: countFor('exports'),
      refusal: 'Too many exports are running. Wait until one ends.',
    }),
    signIns: makeSignInRates({
      limiter,
      ...budgets.signIns,
      count: (scope, outcome) => countFor(`sign_ins_of_${scope}`)(outcome),
    }),
    takeUnexpectedKey: minutesOf('unknown', workos.unexpectedPerMinute, countFor('unexpected_keys')),
    takeStaffRequest: minutesOf('staff', budgets.staffRequestsPerMinute, countFor('staff_requests')),
    countFailedCredential: countFor('failed_credentials'),
    countHashCheck: countFor('salted_hashes'),
    questions: shared('workos_questions', workos.validationsPerSecond),
    spareLookUps: turns('spare_look_ups', budgets.spareLookUpsPerSecond),
    refreshes: shared('session_refreshes', budgets.refreshesPerSecond, LONG_WAIT_MS),
    names: shared('person_names', budgets.namesPerSecond),
    keyChanges: makeKeyChanges({
      limiter,
      turns: shared('key_changes', budgets.keyChangesPerSecond, LONG_WAIT_MS),
      perMinute: budgets.keyChangesPerMinute,
      count: countFor('key_changes_of_organization'),
    }),
  };
}

/** Makes the counter of how often each budget was taken and refused. */
function makeCounts({ registry }: Deps['metrics']): (budget: Budget) => Count {
  const counter = new Counter({
    name: 'latchkey_budget_total',
    help: 'Requests for a budget, by budget and by outcome: taken, or refused because it was used up.',
    labelNames: ['budget', 'outcome'] as const,
    registers: [registry],
  });
  for (const budget of BUDGETS)
    for (const outcome of ['taken', 'refused'] as const) counter.inc({ budget, outcome }, 0);
  return (budget) => (outcome) => counter.inc({ budget, outcome });
}

function showWaits(tracing: Tracing | undefined, budget: Budget, turns: FairTurns): FairTurns {
  return tracing
    ? { ...turns, turn: tracing.waiting('wait for turn', { 'latchkey.budget': budget }, turns.turn) }
    : turns;
}
