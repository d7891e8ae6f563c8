import type { Knex } from 'knex';

/** How far the events were read: the cursor, and the time of the last event read. */
export type Position = { cursor: string | undefined; eventAt: Date | undefined };
export type Lease = Position & { leasedUntil: Date };

type Row = {
  name: string;
  cursor: string | null;
  event_at: Date | null;
  leased_until: Date | null;
  polled_at: Date | null;
  caught_up_from: Date | string | null;
};

export type EventCursors = ReturnType<typeof makeEventCursors>;

// By the database's clock, so that replicas agree on when a lease ends; in milliseconds, which a Date can hold.
const LEASE_END = "date_trunc('milliseconds', clock_timestamp()) + ? * interval '1 millisecond'";

/** The cursor of a stream of events. One replica reads at a time; another takes over when its lease ends. */
export function makeEventCursors(db: Knex, name: string) {
  const held = ({ leasedUntil }: Lease) => db<Row>('event_cursors').where({ name, leased_until: leasedUntil });

  return {
    /** @returns undefined while another replica has the lease */
    async take(leaseMs: number): Promise<Lease | undefined> {
      const { rows } = await db.raw<{ rows: Row[] }>(
        `insert into event_cursors as stream (name, leased_until) values (?, ${LEASE_END})
         on conflict (name) do update set leased_until = excluded.leased_until
           where stream.leased_until is null or stream.leased_until <= clock_timestamp()
         returning cursor, event_at, leased_until`,
        [name, leaseMs],
      );
      const [row] = rows;
      return row && toLease(row);
    },

    /** Saves the position and extends the lease. @returns undefined when another replica has taken it */
    async save(lease: Lease, { cursor, eventAt }: Position, leaseMs: number): Promise<Lease | undefined> {
      const leased_until = db.raw<Date>(LEASE_END, [leaseMs]);
      const [saved] = await held(lease).update({ cursor: cursor ?? null, event_at: eventAt ?? null, leased_until }, [
        'cursor',
        'event_at',
        'leased_until',
      ]);
      return saved && toLease(saved);
    },

    /** Gives the lease back. `polledAt` is set when the stream was read to its end. */
    async release(lease: Lease, polledAt?: Date): Promise<void> {
      await held(lease).update({ leased_until: null, ...(polledAt && { polled_at: polledAt }) });
    },

    /** Records that the stream was read to its end after a gap that began then. */
    async catchUp(from: string): Promise<void> {
      await db<Row>('event_cursors').where({ name }).update({ caught_up_from: from });
    },

    /** Returns when the stream was last read to its end. */
    async polledAt(): Promise<Date | undefined> {
      const row = await db<Row>('event_cursors').where({ name }).first('polled_at');
      return row?.polled_at ?? undefined;
    },
  };
}

/** Whether every one of these streams was read to its end after a gap that began then. */
export async function haveCaughtUp(db: Knex, names: readonly string[], from: string): Promise<boolean> {
  const rows = await db<Row>('event_cursors').whereIn('name', names).where({ caught_up_from: from }).select('name');
  return rows.length === names.length;
}

function toLease({
  cursor,
  event_at: eventAt,
  leased_until: leasedUntil,
}: Pick<Row, 'cursor' | 'event_at' | 'leased_until'>): Lease {
  return { cursor: cursor ?? undefined, eventAt: eventAt ?? undefined, leasedUntil: leasedUntil! };
}
