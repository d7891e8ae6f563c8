import type { Knex } from 'knex';

/** How far the events were read: behind which, and when that one happened. */
export type Position = { cursor: string | undefined; eventAt: Date | undefined };
export type Lease = Position & { leasedUntil: Date };

type Row = {
  name: string;
  cursor: string | null;
  event_at: Date | null;
  leased_until: Date | null;
  polled_at: Date | null;
};

export type EventCursors = ReturnType<typeof makeEventCursors>;

// By the server's clock, so that replicas whose clocks differ agree on when a lease is over; in what a Date can hold.
const LEASE_END = "date_trunc('milliseconds', clock_timestamp()) + ? * interval '1 millisecond'";

/** The place in a stream of events, read by one replica at a time; one that dies is followed when its lease is over. */
export function makeEventCursors(db: Knex, name: string) {
  const held = ({ leasedUntil }: Lease) => db<Row>('event_cursors').where({ name, leased_until: leasedUntil });

  return {
    /** @returns undefined while another replica reads */
    async take(leaseMs: number): Promise<Lease | undefined> {
      const { rows } = await db.raw<{ rows: Row[] }>(
        `insert into event_cursors as place (name, leased_until) values (?, ${LEASE_END})
         on conflict (name) do update set leased_until = excluded.leased_until
           where place.leased_until is null or place.leased_until <= clock_timestamp()
         returning cursor, event_at, leased_until`,
        [name, leaseMs],
      );
      const [row] = rows;
      return row && toLease(row);
    },

    /** Moves on and extends the lease. @returns undefined when somebody else has it by now */
    async save(lease: Lease, { cursor, eventAt }: Position, leaseMs: number): Promise<Lease | undefined> {
      const leased_until = db.raw<Date>(LEASE_END, [leaseMs]);
      const [saved] = await held(lease).update({ cursor: cursor ?? null, event_at: eventAt ?? null, leased_until }, [
        'cursor',
        'event_at',
        'leased_until',
      ]);
      return saved && toLease(saved);
    },

    /** Gives the lease back. `polledAt` when everything was read that there was. */
    async release(lease: Lease, polledAt?: Date): Promise<void> {
      await held(lease).update({ leased_until: null, ...(polledAt && { polled_at: polledAt }) });
    },

    /** When everything was last read; undefined when it never was. */
    async polledAt(): Promise<Date | undefined> {
      const row = await db<Row>('event_cursors').where({ name }).first('polled_at');
      return row?.polled_at ?? undefined;
    },
  };
}

function toLease({ cursor, event_at: eventAt, leased_until: leasedUntil }: Omit<Row, 'name' | 'polled_at'>): Lease {
  return { cursor: cursor ?? undefined, eventAt: eventAt ?? undefined, leasedUntil: leasedUntil! };
}
