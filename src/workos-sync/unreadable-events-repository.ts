import type { Knex } from 'knex';
import type { UnreadableEvent } from '../workos/events/read-event.ts';

export type EventsEnvironment = 'live' | 'test';
type EventSource = 'hook' | 'poll';
export type StoredEvent = {
  environment: EventsEnvironment;
  id: string;
  type: string;
  /** JSON; undefined when it was too long to store. */
  body: string | undefined;
  reason: string;
  source: EventSource;
  receivedAt: Date;
};
type Row = {
  environment: EventsEnvironment;
  event_id: string;
  type: string;
  body: string | null;
  reason: string;
  source: EventSource;
  received_at: Date;
  tried_at: Date;
};

export type UnreadableEvents = ReturnType<typeof makeUnreadableEvents>;

/** Events of WorkOS that could not be read, stored until they can be. */
export function makeUnreadableEvents(db: Knex) {
  const table = () => db<Row>('unreadable_workos_events');

  return {
    /** @returns whether it is new */
    async record(
      { id, type, body, reason }: UnreadableEvent,
      from: { environment: EventsEnvironment; source: EventSource; at: Date },
    ): Promise<boolean> {
      const row: Row = {
        environment: from.environment,
        event_id: id,
        type,
        body: body ?? null,
        reason,
        source: from.source,
        received_at: from.at,
        tried_at: from.at,
      };
      const inserted = await table().insert(row).onConflict(['environment', 'event_id']).ignore().returning('event_id');
      return inserted.length > 0;
    },

    /** Oldest first. */
    async list(limit: number): Promise<StoredEvent[]> {
      return (await table().orderBy(['received_at', 'event_id']).limit(limit)).map(toStored);
    },

    /** Claims events whose last attempt was before `before`, so that no other replica retries them now. */
    async claim(before: Date, now: Date, limit: number): Promise<StoredEvent[]> {
      const { rows } = await db.raw<{ rows: Row[] }>(
        `update unreadable_workos_events set tried_at = :now
         where (environment, event_id) in (
           select environment, event_id from unreadable_workos_events where tried_at <= :before
           order by tried_at limit :limit for update skip locked)
         returning *`,
        { now, before, limit },
      );
      return rows.map(toStored);
    },

    async forget(environment: EventsEnvironment, id: string): Promise<void> {
      await table().where({ environment, event_id: id }).delete();
    },

    async count(): Promise<number> {
      const row = await table().count({ count: '*' }).first();
      return Number(row?.count ?? 0);
    },
  };
}

function toStored({ event_id: id, received_at: receivedAt, body, tried_at: _tried, ...row }: Row): StoredEvent {
  return { ...row, id, body: body ?? undefined, receivedAt };
}
