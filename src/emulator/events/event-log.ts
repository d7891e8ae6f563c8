import type { Clock } from '../clock.ts';
import { timestamp, timestampIn } from '../clock.ts';
import type { Switches } from '../profile/switches.ts';
import { readJson } from '../state/json.ts';
import type { Store } from '../state/store.ts';
import type { Ids } from '../ulid.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const RETENTION_DAYS = 90;

/** An event, as in `/events` and in the body of a webhook. */
export type EventEnvelope = {
  object: 'event';
  id: string;
  event: string;
  data: object;
  created_at: string;
  context: object;
};

export type EventFilter = {
  types: readonly string[];
  organizationId: string | undefined;
  after: string | undefined;
  from: string | undefined;
  until: string | undefined;
  limit: number;
};

/** `delay_ms` delays events in `/events` and in webhooks; the others apply to webhooks only. */
export type DeliverySettings = { delay_ms: number; duplicate: boolean; reorder: boolean };

export type EventLog = {
  emit(event: string, data: object, organizationId: string | null): void;
  /** Returns events, oldest first; `undefined` when no event has the id `after`. */
  list(filter: EventFilter): EventEnvelope[] | undefined;
  settings: DeliverySettings;
};

type Deps = {
  store: Store;
  ids: Ids;
  clock: Clock;
  switches: Pick<Switches, 'late_event_every' | 'late_event_ms'>;
  publish: (event: EventEnvelope, settings: DeliverySettings) => void;
};

export function createEventLog({ store, ids, clock, switches, publish }: Deps): EventLog {
  let emitted = 0;
  const settings: DeliverySettings = { delay_ms: 0, duplicate: false, reorder: false };
  return {
    settings,
    emit(type, data, organizationId) {
      const now = timestamp(clock);
      emitted += 1;
      const isLate = switches.late_event_every > 0 && emitted % switches.late_event_every === 0;
      const context = { actor: { id: 'local_workos', source: 'api', name: null } };
      const event: EventEnvelope = {
        object: 'event',
        id: ids.make('event'),
        event: type,
        data,
        created_at: now,
        context,
      };
      store.run(
        'insert into events (id, type, organization_id, body, created_at, visible_at) values (?, ?, ?, ?, ?, ?)',
        event.id,
        type,
        organizationId,
        JSON.stringify(event),
        now,
        timestampIn(clock, settings.delay_ms + (isLate ? switches.late_event_ms : 0)),
      );
      store.afterCommit(() => publish(event, { ...settings }));
    },
    list: (filter) => listEvents(store, clock, filter, switches.late_event_every > 0 ? 'created_at' : 'visible_at'),
  };
}

/**
 * Orders events by when they become visible. A delayed event comes after those that overtook it, so a reader with a cursor
 * misses none, unless the profile has late events, which keep their place.
 */
function listEvents(
  store: Store,
  clock: Clock,
  filter: EventFilter,
  order: 'created_at' | 'visible_at',
): EventEnvelope[] | undefined {
  const start = filter.after === undefined ? { id: '', at: '' } : findCursor(store, filter.after, order);
  if (!start) return undefined;
  const floor = timestampIn(clock, -RETENTION_DAYS * DAY_MS);
  const conditions = ['visible_at <= ?', `(${order}, id) > (?, ?)`, 'created_at >= ?'];
  const from = filter.from !== undefined && filter.from > floor ? filter.from : floor;
  const values: (string | number)[] = [timestamp(clock), start.at, start.id, from];
  const also = (condition: string, ...more: readonly string[]): void => {
    conditions.push(condition);
    values.push(...more);
  };
  if (filter.until !== undefined) also('created_at <= ?', filter.until);
  if (filter.organizationId !== undefined) also('organization_id = ?', filter.organizationId);
  if (filter.types.length > 0) also(`type in (select value from json_each(?))`, JSON.stringify(filter.types));
  const sql = `select body from events where ${conditions.join(' and ')} order by ${order}, id limit ?`;
  return store.all<{ body: string }>(sql, ...values, filter.limit).map(({ body }) => readJson<EventEnvelope>(body));
}

const findCursor = (
  store: Store,
  id: string,
  order: 'created_at' | 'visible_at',
): { id: string; at: string } | undefined =>
  store.get<{ id: string; at: string }>(`select id, ${order} as at from events where id = ?`, id);

/** Deletes events that are older than the retention, which are never shown again. */
export function pruneEvents(store: Store, clock: Clock): void {
  store.run('delete from events where created_at < ?', timestampIn(clock, -RETENTION_DAYS * DAY_MS));
}
