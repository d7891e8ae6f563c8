import type { Knex } from 'knex';
import { directionOf, toPage, unknownCursor } from '../http/pagination.ts';
import type { Page, PageRequest } from '../http/pagination.ts';
import type { AuditAction, RecordedEvent } from './audit-event.ts';
import { toEvent } from './audit-row.ts';
import type { AuditRow } from './audit-row.ts';

export type AuditFilter = {
  /** Any of these. */
  actions?: readonly AuditAction[] | undefined;
  targetId?: string | undefined;
  actorId?: string | undefined;
  /** Events at this time or later. */
  from?: Date | undefined;
  /** Events before this time. */
  to?: Date | undefined;
};

type Query = ReturnType<typeof eventsOf>;
type Within = { after?: string | undefined; before?: string | undefined };

/** How far an event's time may be behind that of an event before it in the chain: the clocks of replicas differ. */
const SKEW_MS = 10 * 60_000;

export type AuditRepository = ReturnType<typeof makeAuditRepository>;

export function makeAuditRepository(db: Knex) {
  return {
    /** Newest first. @throws AppError `validation_error` for a cursor that is no event of the organization */
    async list(organizationId: string, filter: AuditFilter, page: PageRequest): Promise<Page<RecordedEvent>> {
      const { cursor, field, older } = directionOf(page);
      const query = eventsOf(db, organizationId);
      if (cursor !== undefined) {
        const at = await query.clone().where({ id: cursor }).first('sequence');
        if (!at) throw unknownCursor(field);
        void query.where('sequence', older ? '<' : '>', at.sequence);
      }
      const within = await sequencesOf(db, organizationId, filter);
      const rows = await firstOf(db, narrow(query, filter, within), filter.actions, {
        order: older ? 'desc' : 'asc',
        limit: page.limit + 1,
      });
      return toPage(rows.map(toEvent), page, ({ id }) => id);
    },

    /** Returns when each actor last did something, by its id; actors that never did are absent. */
    lastByActors: (organizationId: string, action: AuditAction, actorIds: readonly string[]) =>
      lastByActors(db, organizationId, action, actorIds),

    /** Returns the sequences between which every event of the filter's times is that is recorded now. */
    async rangeOf(organizationId: string, filter: AuditFilter): Promise<{ first: number; last: number }> {
      const { after, before } = await sequencesOf(db, organizationId, filter);
      const newest = eventsOf(db, organizationId).orderBy('sequence', 'desc');
      const last = before === undefined ? Number((await newest.first('sequence'))?.sequence ?? 0) : Number(before) - 1;
      return { first: Number(after ?? 0) + 1, last };
    },

    /** Reads the events of these sequences that pass the filter, newest first. */
    async within(
      organizationId: string,
      { actions, ...filter }: AuditFilter,
      { from, to }: { from: number; to: number },
    ): Promise<RecordedEvent[]> {
      const query = eventsOf(db, organizationId).whereBetween('sequence', [from, to]);
      if (actions) void query.whereIn('action', [...actions]);
      const rows: AuditRow[] = await narrow(query, filter).orderBy('sequence', 'desc');
      return rows.map(toEvent);
    },
  };
}

async function lastByActors(
  db: Knex,
  organizationId: string,
  action: AuditAction,
  actorIds: readonly string[],
): Promise<ReadonlyMap<string, Date>> {
  const { rows } = await db.raw<{ rows: { id: string; occurred_at: Date }[] }>(
    `select actor.id, last.occurred_at
       from unnest(?::text[]) as actor (id)
      cross join lateral (
            select occurred_at from audit_events
             where organization_id = ? and actor_id = actor.id and action = ?
             order by sequence desc
             limit 1) as last`,
    [[...actorIds], organizationId, action],
  );
  return new Map(rows.map(({ id, occurred_at: at }) => [id, at]));
}

function eventsOf(db: Knex, organizationId: string) {
  return db<AuditRow>('audit_events').where({ organization_id: organizationId });
}

/** Returns the part of the chain that has every event of the filter's times. */
async function sequencesOf(db: Knex, organizationId: string, { from, to }: AuditFilter): Promise<Within> {
  const [after, before] = await Promise.all([
    from && nearest(eventsOf(db, organizationId).where('occurred_at', '<', shifted(from, -SKEW_MS)), 'desc'),
    to && nearest(eventsOf(db, organizationId).where('occurred_at', '>=', shifted(to, SKEW_MS)), 'asc'),
  ]);
  return { after: after?.sequence, before: before?.sequence };
}

function nearest(query: Query, order: 'asc' | 'desc') {
  return query
    .orderBy([
      { column: 'occurred_at', order },
      { column: 'sequence', order },
    ])
    .first('sequence');
}

function shifted(time: Date, byMs: number): Date {
  return new Date(time.getTime() + byMs);
}

function narrow(query: Query, { targetId, actorId, from, to }: AuditFilter, { after, before }: Within = {}): Query {
  if (targetId !== undefined) void query.where({ target_id: targetId });
  if (actorId !== undefined) void query.where({ actor_id: actorId });
  if (from) void query.where('occurred_at', '>=', from);
  if (to) void query.where('occurred_at', '<', to);
  if (after !== undefined) void query.where('sequence', '>', after);
  if (before !== undefined) void query.where('sequence', '<', before);
  return query;
}

type Wanted = { order: 'asc' | 'desc'; limit: number };

/** Reads the first events of any of these actions: the first of each action by its index, then the first of those. */
async function firstOf(
  db: Knex,
  query: Query,
  actions: AuditFilter['actions'],
  { order, limit }: Wanted,
): Promise<AuditRow[]> {
  const first = (some: Query) => some.orderBy('sequence', order).limit(limit);
  const [action, ...others] = actions ?? [];
  if (action === undefined) return first(query);
  if (others.length === 0) return first(query.where({ action }));
  const each = [action, ...others].map((one) => first(query.clone().where({ action: one })));
  return db.from(db.unionAll(each, true).as('events')).orderBy('sequence', order).limit(limit);
}
