import { databaseVersion } from '../../bench/database.ts';
import { storeFailover } from '../../bench/report/failovers.ts';
import type { Seen } from '../../bench/report/failovers.ts';
import { placeNow } from '../../bench/report/measured.ts';
import { say } from './client.ts';
import type { Postgres } from './postgres.ts';

/** Prints what a scenario measured, in milliseconds. With `WRITE_RESULTS=1` it is stored for the report. */
export async function record(scenario: string, server: Pick<Postgres, 'url'>, seen: Seen): Promise<void> {
  const whole = Object.fromEntries(Object.entries(seen).map(([name, ms]) => [name, Math.round(ms)]));
  say(`${scenario}: ${JSON.stringify(whole)} ms`);
  if (process.env['WRITE_RESULTS'] !== '1') return;
  await storeFailover(scenario, { measured: placeNow([await databaseVersion(server.url)]), seen: whole });
}
