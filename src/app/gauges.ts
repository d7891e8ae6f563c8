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

/** Adds the gauges of database, mirror and WorkOS events. */
export function addGauges({ db, keys, metrics }: Deps, countUnreadableEvents: () => Promise<number>): void {
  addGauge(
    metrics,
    { name: 'latchkey_database_connections', help: 'Database connections of the pool, by state.', label: 'state' },
    () => poolState(db),
  );
  metrics.tableGauges.add(
    { name: 'latchkey_api_keys', help: 'API keys in the mirror, by status.', label: 'status' },
    keys.countByStatus,
  );
  metrics.tableGauges.add(
    {
      name: 'latchkey_workos_events_unreadable',
      help: 'WorkOS events that could not be read and are stored; look at any with npm run workos:events.',
      label: 'state',
    },
    async () => ({ kept: await countUnreadableEvents() }),
  );
}

/** The loop that reads the gauges over tables. */
export const GAUGES_LOOP = 'read_gauges';

const LAG = {
  name: 'latchkey_lag_seconds',
  help: 'How long the oldest work of a loop has waited; for a loop without a queue, the time since its last completed step.',
  label: 'loop',
};
const DEAD = {
  name: 'latchkey_dead_letters',
  help: 'Dead letters, by loop; counted up to 10,000 each.',
  label: 'loop',
};

/** Adds the gauges of this replica's loops. A replica that reads no tables shows the age of its own steps alone. */
export function addLoopGauges({ metrics }: Pick<Deps, 'metrics'>, { loops, sinceStepSeconds }: Background): void {
  if (loops.every(({ name }) => name !== GAUGES_LOOP))
    return addGauge(metrics, LAG, () => Object.fromEntries(loops.map(({ name }) => [name, sinceStepSeconds(name)])));
  metrics.tableGauges.add(LAG, () => lagOf(loops, sinceStepSeconds));
  metrics.tableGauges.add(DEAD, () => deadLettersOf(loops));
}
