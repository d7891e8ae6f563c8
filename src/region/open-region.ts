import type { Knex } from 'knex';
import type { Logger } from 'pino';
import { connectDatabase } from '../db/connect.ts';
import { assertRegion } from './region-database.ts';

type Options = { url: string; poolMax: number; home: Knex; log: Logger };

/** Connects to the region's database. @throws StartError if that can never be current */
export async function openRegion({ url, poolMax, home, log }: Options): Promise<Knex> {
  const region = connectDatabase({ url, poolMax, log });
  const warn = (why: string) => log.warn({ why }, 'region database does not follow yet; reading at home');
  try {
    await assertRegion({ url, region, home, warn });
  } catch (error) {
    await region.destroy();
    throw error;
  }
  return region;
}
