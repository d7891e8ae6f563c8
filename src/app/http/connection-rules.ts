import { Gauge } from 'prom-client';
import type { Logger } from 'pino';
import type { Config } from '../../config/config.ts';
import type { ConnectionRules, CutReason } from '../../http/server/connections.ts';
import { networkOf } from '../../ip/network.ts';
import type { Metrics } from '../../telemetry/metrics.ts';

type Deps = {
  config: Pick<Config, 'connections'>;
  metrics: Pick<Metrics, 'registry' | 'connectionsCut'>;
  log: Pick<Logger, 'warn'>;
};

const WARNING_INTERVAL_MS = 60_000;

/** Bounds the open connections; counts those that are cut, and warns when a bound is reached. */
export function makeConnectionRules({ config, metrics, log }: Deps): ConnectionRules {
  const open = new Gauge({
    name: 'latchkey_connections',
    help: 'Open HTTP connections.',
    registers: [metrics.registry],
  });
  let warnedAtMs = -Infinity;

  /** Warns of a reached bound alone, since it may refuse good clients; the other reasons are faults of the client. */
  function warn(reason: CutReason): void {
    if ((reason !== 'full' && reason !== 'address') || performance.now() - warnedAtMs < WARNING_INTERVAL_MS) return;
    warnedAtMs = performance.now();
    log.warn({ reason, ...config.connections }, 'HTTP connections refused: bound on open connections reached');
  }

  return {
    ...config.connections,
    clientOf: networkOf,
    open,
    onCut(reason) {
      metrics.connectionsCut.inc({ reason });
      warn(reason);
    },
  };
}
