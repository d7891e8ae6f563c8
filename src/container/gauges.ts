import type { Knex } from 'knex';
import type { DecommissionRepository } from '../billing/decommission-repository.ts';
import type { Clock } from '../clock.ts';
import { poolState } from '../db/pool-state.ts';
import type { KeyRepository } from '../keys/key-repository.ts';
import type { UnsettledKeys } from '../keys/unsettled-keys.ts';
import { addGauge } from '../telemetry/metrics.ts';
import type { Metrics } from '../telemetry/metrics.ts';

type Deps = {
  db: Knex;
  keys: Pick<KeyRepository, 'countByStatus'>;
  unsettled: Pick<UnsettledKeys, 'lagSeconds'>;
  ending: Pick<DecommissionRepository, 'lagSeconds'>;
  metrics: Metrics;
  clock: Clock;
};

/** What is read when somebody asks, of the parts that are always there. */
export function addGauges(
  { db, keys, unsettled, ending, metrics, clock }: Deps,
  eventsLagSeconds: () => Promise<number>,
): void {
  addGauge(
    metrics,
    { name: 'latchkey_database_connections', help: 'Connections of the pool, by state.', label: 'state' },
    () => poolState(db),
  );
  addGauge(
    metrics,
    { name: 'latchkey_api_keys', help: 'Rows of the mirror, by status.', label: 'status' },
    keys.countByStatus,
  );
  addGauge(
    metrics,
    { name: 'latchkey_lag_seconds', help: 'How long the oldest work of a loop has waited.', label: 'loop' },
    async () => ({
      settle: await unsettled.lagSeconds(clock()),
      events: await eventsLagSeconds(),
      decommission: await ending.lagSeconds(clock()),
    }),
  );
}
