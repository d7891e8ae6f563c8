import type { Knex } from 'knex';
import type { DeadLetter, DeadLetterFilter } from './loop.ts';

/** `payload`: the item itself, if it is stored nowhere else. */
export type ItemName = { id: string; organizationId: string | undefined; payload?: object | undefined };
export type SetAside = { dueAt: Date; dead: boolean; attempts: number };
type Row = {
  loop: string;
  item: string;
  organization_id: string | null;
  attempts: number;
  due_at: Date;
  dead_at: Date | null;
  last_failure: string;
  payload: object | null;
};

export type FailureRepository = ReturnType<typeof makeFailureRepository>;

const BASE_MS = 5_000;
const MAX_MS = 60 * 60_000;
const DEAD_AFTER = 8;
/** A dead letter is still retried this often, in case its cause is gone. */
const DEAD_MS = 24 * 60 * 60_000;
const MAX_COUNTED = 10_000;
const MAX_PAYLOAD_CHARACTERS = 60_000;
/** Longer than any backoff: an item that has not failed for this long is done. */
const FORGET_MS = 3 * DEAD_MS;

/** The table `background_failures`: the items that one loop set aside, by the loop's names for them. */
export function makeFailureRepository(db: Knex, loop: string) {
  const rows = () => db<Row>('background_failures').where({ loop });

  return {
    record: (item: ItemName, failure: string, now: Date, deadAfter = DEAD_AFTER): Promise<SetAside> =>
      record(db, loop, item, { failure, now, deadAfter }),

    /** Returns those of the items that have failed, with the time until which each is set aside. */
    async known(ids: readonly string[]): Promise<ReadonlyMap<string, Date>> {
      if (ids.length === 0) return new Map();
      const found = await rows()
        .whereRaw('item = any(?)', [[...ids]])
        .select('item', 'due_at');
      return new Map(found.map(({ item, due_at: dueAt }) => [item, dueAt]));
    },

    /** Lists due items that have a payload. */
    async due(now: Date, limit: number): Promise<{ id: string; payload: object }[]> {
      const found = await rows()
        .where('due_at', '<=', now)
        .whereNotNull('payload')
        .orderBy('due_at')
        .limit(limit)
        .select('item', 'payload');
      return found.flatMap(({ item: id, payload }) => (payload ? [{ id, payload }] : []));
    },

    async forget(id: string): Promise<void> {
      await rows().where({ item: id }).delete();
    },

    ...deadIn(db, rows),
  };
}

/** Dead letters, as commands list, count and retry them. */
function deadIn(db: Knex, rows: () => Knex.QueryBuilder<Row>) {
  return {
    async listDead({ organizationId, limit }: DeadLetterFilter): Promise<DeadLetter[]> {
      const found = await rows()
        .whereNotNull('dead_at')
        .where(organizationId === undefined ? {} : { organization_id: organizationId })
        .orderBy('item')
        .limit(limit)
        .select();
      return found.map(toDeadLetter);
    },

    async revive(id: string, now: Date): Promise<{ organizationId: string | undefined } | undefined> {
      const [row] = await rows()
        .where({ item: id })
        .whereNotNull('dead_at')
        .update({ attempts: 0, dead_at: null, due_at: now })
        .returning('organization_id');
      return row && { organizationId: row.organization_id ?? undefined };
    },

    async countDead(): Promise<number> {
      const dead = rows().whereNotNull('dead_at').limit(MAX_COUNTED).select('item').as('dead');
      const [row] = await db.from(dead).count<{ count: string }[]>('* as count');
      return Number(row?.count ?? 0);
    },
  };
}

/**
 * Records a failure. The backoff doubles each time, up to an hour; after `deadAfter` failures the item is a dead letter.
 */
async function record(
  db: Knex,
  loop: string,
  { id, organizationId, payload }: ItemName,
  { failure, now, deadAfter }: { failure: string; now: Date; deadAfter: number },
): Promise<SetAside> {
  const { rows: written } = await db.raw<{ rows: Row[] }>(
    `insert into background_failures as known
       (loop, item, organization_id, attempts, first_failed_at, last_failed_at, dead_at, due_at, last_failure, payload)
     values (:loop, :id, :organizationId, 1, :now, :now, :deadAt, :dueAt, :failure, :payload)
     on conflict (loop, item) do update set
       attempts = known.attempts + 1,
       last_failed_at = excluded.last_failed_at,
       last_failure = excluded.last_failure,
       dead_at = case when known.attempts + 1 >= :deadAfter::integer then coalesce(known.dead_at, excluded.last_failed_at) end,
       due_at = excluded.last_failed_at + interval '1 millisecond' * case
         when known.attempts + 1 >= :deadAfter::integer then :deadMs::float8
         else least(:baseMs::float8 * 2 ^ least(known.attempts, 20), :maxMs::float8) * :share::float8 end
     returning attempts, due_at, dead_at`,
    {
      loop,
      id,
      organizationId: organizationId ?? null,
      now,
      deadAt: deadAfter <= 1 ? now : null,
      dueAt: new Date(now.getTime() + (deadAfter <= 1 ? DEAD_MS : Math.round(BASE_MS * share()))),
      failure,
      payload: payloadOf(payload),
      deadAfter,
      deadMs: DEAD_MS,
      baseMs: BASE_MS,
      maxMs: MAX_MS,
      share: share(),
    },
  );
  const { due_at: dueAt, dead_at: deadAt, attempts } = written[0]!;
  return { dueAt, dead: deadAt !== null, attempts };
}

/** Deletes, for all loops, items that have not failed for days: they were completed elsewhere. @returns how many */
export async function forgetOldFailures(db: Knex, now: Date, limit: number): Promise<number> {
  const { rows } = await db.raw<{ rows: unknown[] }>(
    `delete from background_failures where (loop, item) in (
       select loop, item from background_failures where last_failed_at < ? and payload is null
       order by last_failed_at limit ? for update skip locked
     ) returning 1`,
    [new Date(now.getTime() - FORGET_MS), limit],
  );
  return rows.length;
}

/** Drops a payload that is too large; the failure is still recorded. */
function payloadOf(payload: object | undefined): string | null {
  const text = payload && JSON.stringify(payload, (_name, value: unknown) => withoutNul(value));
  return text !== undefined && text.length <= MAX_PAYLOAD_CHARACTERS ? text : null;
}

/** PostgreSQL stores no NUL in text. */
function withoutNul(value: unknown): unknown {
  return typeof value === 'string' ? value.replaceAll('\0', '') : value;
}

function share(): number {
  return 0.5 + Math.random() / 2;
}

function toDeadLetter(row: Row): DeadLetter {
  return {
    loop: row.loop,
    item: row.item,
    organizationId: row.organization_id ?? undefined,
    attempts: row.attempts,
    // Only dead ones are listed.
    deadAt: row.dead_at!,
    lastFailure: row.last_failure,
  };
}
