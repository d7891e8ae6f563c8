import type { Knex } from 'knex';
import { deadLettersOf, lagOf } from '../background/loop-lag.ts';
import { poolState } from '../db/pool-state.ts';
import type { KeyRepository } from '../api-keys/rows/key-repository.ts';
import type { Background } from '../background/background.ts';
import { addGauge } from '../telemetry/metrics.ts';
import type { Metrics } from '../telemetry/metrics.ts';

type Deps = {
  db: Knex;
  keys: Pick<KeyRepository, 'countByStatus'>;
  metrics: Metrics;
};

/** Of the parts that are always there. */
export function addGauges({ db, keys, metrics }: Deps, countUnreadableEvents: () => Promise<number>): void {
  addGauge(
    metrics,
    { name: 'latchkey_database_connections', help: 'Connections of the pool, by state.', label: 'state' },
    () => poolState(db),
  );
  metrics.tableGauges.add(
    { name: 'latchkey_api_keys', help: 'Rows of the mirror, by status.', label: 'status' },
    keys.countByStatus,
  );
  metrics.tableGauges.add(
    {
      name: 'latchkey_workos_events_unreadable',
      help: 'Events of WorkOS that could not be read and are kept: any is a reason to look.',
      label: 'state',
    },
    async () => ({ kept: await countUnreadableEvents() }),
  );
}

/** The loop that reads what is counted in tables. */
export const GAUGES_LOOP = 'read_gauges';

const LAG = {
  name: 'latchkey_lag_seconds',
  help: 'How long the oldest work of a loop has waited; of a loop that has no queue, how long ago its last step was completed.',
  label: 'loop',
};
const DEAD = {
  name: 'latchkey_dead_letters',
  help: 'Items that a loop failed on again and again, by loop; 10,000 of each at most.',
  label: 'loop',
};

/** Of the loops that this process runs. One that reads no tables tells of its own steps alone. */
export function addLoopGauges({ metrics }: Pick<Deps, 'metrics'>, { loops, sinceStepSeconds }: Background): void {
  if (loops.every(({ name }) => name !== GAUGES_LOOP))
    return addGauge(metrics, LAG, () => Object.fromEntries(loops.map(({ name }) => [name, sinceStepSeconds(name)])));
  metrics.tableGauges.add(LAG, () => lagOf(loops, sinceStepSeconds));
  metrics.tableGauges.add(DEAD, () => deadLettersOf(loops));
}
