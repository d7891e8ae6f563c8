import type { Knex } from 'knex';

/** Returns the row of the mirror for a key of WorkOS. */
export const keyRow = (db: Knex, workosId: string) => db('api_keys').where({ workos_id: workosId }).first();
