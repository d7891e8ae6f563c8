import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import type { Loop } from './loop.ts';

type Role = 'all' | 'api' | 'worker';
type Deps = { db: Knex; role: Role };
type Counts = { api: number; worker: number };

export type Replicas = ReturnType<typeof makeReplicas>;

const EVERY_MS = 2_000;
/** A replica that was not seen for three intervals is gone. */
const GONE_MS = 6_000;
const FORGET_MS = 60_000;

/**
 * Counts the replicas on this database, so that each takes its share of their common budget of calls to WorkOS. Counts
 * every few seconds by the database's clock; a failed count leaves the last one.
 */
export function makeReplicas({ db, role }: Deps) {
  const id = randomUUID();
  let others: Counts = { api: 0, worker: 0 };

  /** Records that this replica runs, and counts the others. */
  async function count(): Promise<void> {
    const { rows } = await db.raw<{ rows: { [R in keyof Counts]: string }[] }>(
      `with noted as (
         insert into replicas (id, role, seen_at) values (:id, :role, clock_timestamp())
         on conflict (id) do update set seen_at = excluded.seen_at
       ), forgotten as (
         delete from replicas where id in (
           select id from replicas where seen_at < clock_timestamp() - :forgetMs * interval '1 millisecond'
           for update skip locked)
       )
       select count(*) filter (where role in ('all', 'api')) as api,
         count(*) filter (where role in ('all', 'worker')) as worker
       from replicas where id <> :id and seen_at > clock_timestamp() - :goneMs * interval '1 millisecond'`,
      { id, role, forgetMs: FORGET_MS, goneMs: GONE_MS },
    );
    const [counted] = rows;
    if (counted) others = { api: Number(counted.api), worker: Number(counted.worker) };
  }

  const loop: Loop = {
    name: 'count_replicas',
    everyMs: EVERY_MS,
    step: count,
    bulk: 'One statement; while it fails, the last count stays.',
  };

  return {
    loop,
    count,
    /** The replicas that answer requests, including this one. */
    answering: () => 1 + others.api,
    /** The replicas that run loops, including this one. */
    working: () => 1 + others.worker,
  };
}
