import type { Knex } from 'knex';
import type { Logger } from 'pino';
import { makeSteadyClock } from '../clock.ts';
import type { Clock } from '../clock.ts';
import { addGauge, makeMetrics } from '../telemetry/metrics.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { traceDatabase } from '../telemetry/trace-database.ts';
import { findTracing } from '../telemetry/tracing.ts';

type Deps = {
  metrics: Pick<Metrics, 'registry'>;
  log: Pick<Logger, 'warn'>;
  sources?: Parameters<typeof makeSteadyClock>[0];
};

type Instruments = { clock?: Clock | undefined; db: Knex; log: Deps['log'] };

/** Makes the process's metrics, its spans, and its clock, unless a test passes one in. */
export function makeInstruments({ clock, db, log }: Instruments) {
  const metrics = makeMetrics();
  const tracing = findTracing();
  if (tracing) traceDatabase(tracing, db);
  return { metrics, tracing, clock: clock ?? makeServiceClock({ metrics, log }) };
}

/** Makes the process's clock, which warns when the host's wall clock steps back. */
export function makeServiceClock({ metrics, log, sources }: Deps): Clock {
  const clock = makeSteadyClock({
    ...sources,
    onStepBack(milliseconds) {
      log.warn(
        { milliseconds: Math.round(milliseconds) },
        'wall clock stepped back; continuing by the monotonic clock',
      );
    },
  });
  addGauge(
    metrics,
    {
      name: 'latchkey_clock_ahead_seconds',
      help: 'How far the process clock is ahead of the wall clock after that stepped back.',
      label: 'clock',
    },
    () => ({ process: clock.aheadMs() / 1_000 }),
  );
  return clock;
}
