import type { Knex } from 'knex';
import type { Clock } from '../../clock.ts';
import type { Since } from '../outbox-writer.ts';

type Deps = { db: Knex; names: readonly string[]; clock: Clock };

/** Records once since when each endpoint exists, and reads it: a new endpoint does not receive earlier events. */
export function makeSince({ db, names, clock }: Deps): () => Promise<Since> {
  let known: Since | undefined;
  return async () => {
    if (known) return known;
    await db('outbox_endpoints')
      .insert(names.map((name) => ({ name, since: clock() })))
      .onConflict('name')
      .ignore();
    const rows = await db<{ name: string; since: Date }>('outbox_endpoints')
      .whereIn('name', [...names])
      .select();
    known = new Map(rows.map(({ name, since }) => [name, since]));
    return known;
  };
}
