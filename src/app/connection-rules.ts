import { Gauge } from 'prom-client';
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { ConnectionRules, CutReason } from '../http/server/connections.ts';
import { networkOf } from '../ip/network.ts';
import type { Metrics } from '../telemetry/metrics.ts';

type Deps = {
  config: Pick<Config, 'connections'>;
  metrics: Pick<Metrics, 'registry' | 'connectionsCut'>;
  log: Pick<Logger, 'warn'>;
};

const WARNING_INTERVAL_MS = 60_000;

/** How many connections may be open, and who is told of those that were cut. */
export function makeConnectionRules({ config, metrics, log }: Deps): ConnectionRules {
  const open = new Gauge({
    name: 'latchkey_connections',
    help: 'HTTP connections that are open.',
    registers: [metrics.registry],
  });
  let warnedAtMs = -Infinity;

  /** A bound that is reached may refuse good clients; the others refuse those who behave badly. */
  function warn(reason: CutReason): void {
    if ((reason !== 'full' && reason !== 'address') || performance.now() - warnedAtMs < WARNING_INTERVAL_MS) return;
    warnedAtMs = performance.now();
    log.warn({ reason, ...config.connections }, 'connections refused: the bound on open connections is reached');
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
