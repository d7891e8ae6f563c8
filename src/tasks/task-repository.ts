import { createHash } from 'node:crypto';
import type { Knex } from 'knex';
import type { HeldTask, Holder, Lifetime, Task } from './task.ts';

type Row = { name: string; api_key_id: string; taken_at: Date; expires_at: Date };

const COLUMNS = 'name, api_key_id, taken_at, expires_at';

const IS_USABLE = "status = 'active' and suspended_at is null and (expires_at is null or expires_at > :now)";
/** Whether a task goes on: until it expires, while its key or a successor of it is usable. */
const IS_LIVE = `task.expires_at > :now and exists (
  with recursive line as (
    select rotated_to, status, suspended_at, expires_at from api_keys
    where organization_id = task.organization_id and workos_id = task.api_key_id
    union all
    select next.rotated_to, next.status, next.suspended_at, next.expires_at from line join api_keys as next
      on next.organization_id = task.organization_id and next.workos_id = line.rotated_to
  ) select from line where ${IS_USABLE})`;
const OF_HOLDER = 'task.organization_id = :organizationId and task.holder = :holder';

export type TaskRepository = ReturnType<typeof makeTaskRepository>;

/** Reads and changes the tasks of one holder. */
export function makeTaskRepository(db: Knex) {
  return {
    /** Deletes the tasks that have ended, so that those left are the ones that count. */
    async dropEnded(trx: Knex.Transaction, holder: Holder, now: Date): Promise<void> {
      await trx.raw(`delete from tasks as task where ${OF_HOLDER} and not (${IS_LIVE})`, valuesOf(holder, now));
    },

    /**
     * Inserts a task, or renews the holder's task of that name. Call it after `lockHolder` and `dropEnded`.
     * @returns undefined where the holder has `max` others
     */
    async put(trx: Knex.Transaction, task: HeldTask, max: number): Promise<Task | undefined> {
      const { organizationId, id, name, keyId, takenAt, seconds, expiresAt } = task;
      const { rows } = await trx.raw<{ rows: Row[] }>(
        `insert into tasks (organization_id, holder, name, api_key_id, taken_at, ttl_seconds, expires_at)
         select :organizationId, :holder, :name, :keyId, :takenAt, :seconds, :expiresAt
         where (select count(*) from tasks as task where ${OF_HOLDER} and task.name <> :name) < :max
         on conflict (organization_id, holder, name) do update set
           api_key_id = excluded.api_key_id, ttl_seconds = excluded.ttl_seconds, expires_at = excluded.expires_at
         returning ${COLUMNS}`,
        { organizationId, holder: id, name, keyId, takenAt, seconds, expiresAt, max },
      );
      return rows[0] && toTask(rows[0]);
    },

    /** Gives a live task its lifetime again, or another one. @returns undefined where there is none of that name */
    async renew(holder: Holder, name: string, lifetime: Lifetime, now: Date): Promise<Task | undefined> {
      const { seconds = null, usual, longest } = lifetime;
      const { rows } = await db.raw<{ rows: Row[] }>(
        `update tasks as task set
           ttl_seconds = coalesce(cast(:seconds as integer), task.ttl_seconds),
           expires_at = cast(:now as timestamptz)
             + least(coalesce(cast(:seconds as integer), task.ttl_seconds, :usual), :longest) * interval '1 second'
         where ${OF_HOLDER} and task.name = :name and ${IS_LIVE}
         returning ${COLUMNS}`,
        { ...valuesOf(holder, now), name, seconds, usual, longest },
      );
      return rows[0] && toTask(rows[0]);
    },

    /** Returns the holder's live tasks, the first to expire first. */
    async list(holder: Holder, now: Date, on: Knex = db): Promise<Task[]> {
      const { rows } = await on.raw<{ rows: Row[] }>(
        `select ${COLUMNS} from tasks as task where ${OF_HOLDER} and ${IS_LIVE} order by expires_at, name`,
        valuesOf(holder, now),
      );
      return rows.map(toTask);
    },

    async delete({ organizationId, id }: Holder, name: string): Promise<void> {
      await db('tasks').where({ organization_id: organizationId, holder: id, name }).delete();
    },
  };
}

/** Makes the takes of one holder wait for each other until the transaction ends. */
export async function lockHolder(trx: Knex.Transaction, { organizationId, id }: Holder): Promise<void> {
  const hash = createHash('sha256').update(`task\0${organizationId}\0${id}`).digest();
  await trx.raw('select pg_advisory_xact_lock(?)', [hash.readBigInt64BE().toString()]);
}

function valuesOf({ organizationId, id }: Holder, now: Date) {
  return { organizationId, holder: id, now };
}

function toTask(row: Row): Task {
  return { name: row.name, keyId: row.api_key_id, takenAt: row.taken_at, expiresAt: row.expires_at };
}
