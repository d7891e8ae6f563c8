import type { Knex } from 'knex';
import { deadLettersOf, lagOf } from '../background/loop-lag.ts';
import { poolState } from '../db/pool-state.ts';
import type { KeyRepository } from '../api-keys/rows/key-repository.ts';
import type { Background } from '../background/background.ts';
import type { InvalidationStreams } from '../invalidation/invalidation-streams.ts';
import type { KeyCache } from '../verification/key-cache.ts';
import { addGauge, addValue } from '../telemetry/metrics.ts';
import type { Metrics } from '../telemetry/metrics.ts';

type Deps = {
  db: Knex;
  keys: Pick<KeyRepository, 'countByStatus'>;
  metrics: Metrics;
  cache: Pick<KeyCache, 'size'>;
  streams: Pick<InvalidationStreams, 'count'>;
};

/** Adds the gauges of memory, database, mirror and WorkOS events. */
export function addGauges(
  { db, keys, metrics, cache, streams }: Deps,
  countUnreadableEvents: () => Promise<number>,
): void {
  addGauge(
    metrics,
    { name: 'latchkey_database_connections', help: 'Database connections of the pool, by state.', label: 'state' },
    () => poolState(db),
  );
  addValue(metrics, { name: 'latchkey_key_cache_entries', help: 'Keys in memory.' }, cache.size);
  addValue(
    metrics,
    { name: 'latchkey_invalidation_streams', help: 'Streams of invalidations that are open.' },
    streams.count,
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
