import type { Knex } from 'knex';
import { makeReadInRegion } from '../../region/read-in-region.ts';
import { makeRegionProof } from '../../region/region-proof.ts';
import { addTally, addValue } from '../../telemetry/metrics.ts';
import type { Metrics } from '../../telemetry/metrics.ts';

export type Region = ReturnType<typeof makeRegionParts>['region'];

/** Makes what reads in the region's database, if there is one. */
export function makeRegionParts({ regionDb, metrics }: { regionDb?: Knex; metrics: Pick<Metrics, 'registry'> }) {
  const proof = regionDb && makeRegionProof();
  const count = addTally(
    metrics,
    {
      name: 'latchkey_region_reads_total',
      help: 'Reads of keys, sessions and IP allow lists by a process with DATABASE_READ_URL, by the database that answered.',
      label: 'database',
    },
    ['region', 'home'],
  );
  const lag = {
    name: 'latchkey_region_lag_seconds',
    help: 'How far the database of DATABASE_READ_URL may be behind, in seconds; 1 to 2 is usual, and from 3 reads go to DATABASE_URL.',
  };
  addValue(metrics, lag, () => proof?.lagSeconds());
  return { region: regionDb && proof && { db: regionDb, proof, read: makeReadInRegion({ proof, count }) } };
}
