import { Counter } from 'prom-client';
import { makeSignInRates } from '../auth/sign-in-rates.ts';
import type { Config } from '../config.ts';
import { makeKeyChanges } from '../keys/key-changes.ts';
import { makeFairTurns } from '../limits/fair-turns.ts';
import type { Limiter } from '../limits/limiter.ts';
import type { Metrics } from '../telemetry/metrics.ts';

type Deps = {
  config: Pick<Config, 'budgets' | 'workos'>;
  limiter: Pick<Limiter, 'takeRate'>;
  metrics: Pick<Metrics, 'registry'>;
};

export type Budgets = ReturnType<typeof makeBudgets>;

/** Each has a line in docs/verification.md. */
const BUDGETS = [
  'workos_questions',
  'spare_look_ups',
  'session_refreshes',
  'unexpected_keys',
  'sign_ins_of_address',
  'sign_ins_of_account',
  'failed_credentials',
  'key_changes',
  'key_changes_of_organization',
  'streams',
] as const;
type Budget = (typeof BUDGETS)[number];

/** Whoever asked is still there after this long. */
const MAX_WAIT_MS = 1_000;
const LONG_WAIT_MS = 2_000;

/** What tenants and strangers share of that of which there is not enough for everybody. */
export function makeBudgets({ config, limiter, metrics }: Deps) {
  const { budgets, workos } = config;
  const counter = new Counter({
    name: 'latchkey_budget_total',
    help: 'How often something bounded was asked for, by budget and by whether there was some left.',
    labelNames: ['budget', 'outcome'] as const,
    registers: [metrics.registry],
  });
  for (const budget of BUDGETS)
    for (const outcome of ['taken', 'refused'] as const) counter.inc({ budget, outcome }, 0);
  const countFor = (budget: Budget) => (outcome: 'taken' | 'refused') => counter.inc({ budget, outcome });
  const turns = (budget: Budget, perSecond: number, maxWaitMs = MAX_WAIT_MS) =>
    makeFairTurns({ perSecond, maxWaitMs, maxWaiting: perSecond, count: countFor(budget) });
  return {
    streams: {
      maxStreams: budgets.streams,
      maxPerOrganization: budgets.streamsPerOrganization,
      count: countFor('streams'),
    },
    signIns: makeSignInRates({
      limiter,
      ...budgets.signIns,
      count: (scope, outcome) => countFor(`sign_ins_of_${scope}`)(outcome),
    }),
    async takeUnexpectedKey(guesser: string) {
      const rate = { limit: workos.unexpectedPerMinute, windowSeconds: 60 };
      const taken = await limiter.takeRate(`unknown ${guesser}`, rate, 1);
      countFor('unexpected_keys')(taken.refused ? 'refused' : 'taken');
      return taken;
    },
    countFailedCredential: countFor('failed_credentials'),
    questions: turns('workos_questions', workos.validationsPerSecond),
    spareLookUps: turns('spare_look_ups', budgets.spareLookUpsPerSecond),
    refreshes: turns('session_refreshes', budgets.refreshesPerSecond, LONG_WAIT_MS),
    keyChanges: makeKeyChanges({
      limiter,
      turns: turns('key_changes', budgets.keyChangesPerSecond, LONG_WAIT_MS),
      perMinute: budgets.keyChangesPerMinute,
      count: countFor('key_changes_of_organization'),
    }),
  };
}
