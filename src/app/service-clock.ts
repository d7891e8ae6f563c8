import type { Logger } from 'pino';
import { makeSteadyClock } from '../clock.ts';
import type { Clock } from '../clock.ts';
import { addGauge, makeMetrics } from '../telemetry/metrics.ts';
import type { Metrics } from '../telemetry/metrics.ts';

type Deps = {
  metrics: Pick<Metrics, 'registry'>;
  log: Pick<Logger, 'warn'>;
  sources?: Parameters<typeof makeSteadyClock>[0];
};

/** What a process measures with: its metrics, and the clock that it judges by unless a test hands one in. */
export function makeInstruments({ clock, log }: { clock?: Clock | undefined; log: Deps['log'] }) {
  const metrics = makeMetrics();
  return { metrics, clock: clock ?? makeServiceClock({ metrics, log }) };
}

/** The clock that a process judges by; it reports when the host's clock steps back. */
export function makeServiceClock({ metrics, log, sources }: Deps): Clock {
  const clock = makeSteadyClock({
    ...sources,
    onStepBack(milliseconds) {
      log.warn(
        { milliseconds: Math.round(milliseconds) },
        'the wall clock stepped back; going on with the time that passes',
      );
    },
  });
  addGauge(
    metrics,
    {
      name: 'latchkey_clock_ahead_seconds',
      help: 'How far the clock that this process judges by is ahead of the wall clock, since that stepped back.',
      label: 'clock',
    },
    () => ({ process: clock.aheadMs() / 1_000 }),
  );
  return clock;
}
