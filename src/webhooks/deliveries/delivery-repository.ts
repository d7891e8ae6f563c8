import type { Knex } from 'knex';
import { readInWindows } from '../../db/read-in-windows.ts';
import { directionOf, toPage, unknownCursor } from '../../http/pagination.ts';
import type { Page, PageRequest } from '../../http/pagination.ts';
import { ulidTime } from '../../ids.ts';
import type { WebhookType } from '../../product/webhook-types.ts';
import { DELIVERY_PREFIX } from '../outbox-writer.ts';
import { NOT_CONFIGURED } from './delivery.ts';
import type { DeliveryStatus, RecentAttempt, WatchedDelivery } from './delivery.ts';

export type DeliveryFilter = {
  status?: DeliveryStatus | undefined;
  type?: WebhookType | undefined;
  /** Deliveries written at this time or later. */
  from?: Date | undefined;
  /** Deliveries written before this time. */
  to?: Date | undefined;
};

type Row = {
  id: string;
  endpoint: string;
  organization_id: string;
  type: WebhookType;
  status: 'waiting' | 'delivered' | 'dead';
  attempts: number;
  created_at: Date;
  ended_at: Date | null;
  last_failure: string | null;
  recent_attempts: RecentAttempt[];
};
type Read = Omit<Row, 'organization_id'>;
type QueueRow = { endpoint: string; organization_id: string; due_at: Date | null };
type Query = ReturnType<typeof deliveriesOf>;

const COLUMNS = [
  'id',
  'endpoint',
  'type',
  'status',
  'attempts',
  'created_at',
  'ended_at',
  'last_failure',
  'recent_attempts',
] as const satisfies (keyof Read)[];

export type DeliveryRepository = ReturnType<typeof makeDeliveryRepository>;

/** Reads the webhook deliveries of an organization, without those to WorkOS Audit Logs. */
export function makeDeliveryRepository(db: Knex) {
  return {
    /** Newest first. @throws AppError `validation_error` for a cursor that is no delivery of the organization */
    async list(organizationId: string, filter: DeliveryFilter, page: PageRequest): Promise<Page<WatchedDelivery>> {
      const { cursor, field, older } = directionOf(page);
      if (cursor !== undefined && !(await deliveriesOf(db, organizationId).where({ id: cursor }).first('id')))
        throw unknownCursor(field);
      const between = (after: string | undefined, to?: string) => {
        const query = writtenWithin(deliveriesOf(db, organizationId), organizationId, filter);
        if (after !== undefined) void bound(query, organizationId, older ? '<' : '>', after);
        if (to !== undefined) void bound(query, organizationId, older ? '>=' : '<=', to);
        return query.orderBy('id', older ? 'desc' : 'asc');
      };
      const rows = await readInWindows(
        {
          rowBehind: async (after, count) =>
            (
              await between(after)
                .offset(count - 1)
                .first('id')
            )?.id,
          read: async (after, to, limit): Promise<Read[]> =>
            narrow(between(after, to), filter)
              .limit(limit)
              .select(...COLUMNS),
        },
        cursor,
        page.limit + 1,
      );
      return toPage(await toDeliveries(db, organizationId, rows), page, ({ id }) => id);
    },

    async find(organizationId: string, id: string, trx: Knex = db): Promise<WatchedDelivery | undefined> {
      const row = await deliveriesOf(trx, organizationId)
        .where({ id })
        .first(...COLUMNS);
      return row && (await toDeliveries(trx, organizationId, [row]))[0];
    },
  };
}

function deliveriesOf(db: Knex, organizationId: string) {
  // The literal, so that the index over webhooks alone is used.
  return db<Row>('outbox').where({ organization_id: organizationId }).whereRaw("endpoint <> 'workos'");
}

/** A delivery's id has the time at which it was written. */
function writtenWithin(query: Query, organizationId: string, { from, to }: DeliveryFilter): Query {
  if (from) void bound(query, organizationId, '>=', DELIVERY_PREFIX + ulidTime(from));
  if (to) void bound(query, organizationId, '<', DELIVERY_PREFIX + ulidTime(to));
  return query;
}

/** Compares as a pair, so that the index by organization is read, and not the ids of all organizations. */
function bound(query: Query, organizationId: string, comparison: '<' | '<=' | '>' | '>=', id: string): Query {
  return query.whereRaw(`(organization_id, id) ${comparison} (?, ?)`, [organizationId, id]);
}

function narrow(query: Query, { status, type }: DeliveryFilter): Query {
  if (type) void query.where({ type });
  if (status === 'delivered') void query.where({ status: 'delivered' });
  if (status === 'failed') void query.where({ status: 'dead' });
  if (status === 'pending') void query.where({ status: 'waiting', attempts: 0 });
  if (status === 'retrying') void query.where({ status: 'waiting' }).where('attempts', '>', 0);
  return query;
}

async function toDeliveries(db: Knex, organizationId: string, rows: readonly Read[]): Promise<WatchedDelivery[]> {
  const endpoints = new Set(rows.filter(({ status }) => status === 'waiting').map(({ endpoint }) => endpoint));
  const queues =
    endpoints.size === 0
      ? []
      : await db<QueueRow>('outbox_lanes')
          .where({ organization_id: organizationId })
          .whereIn('endpoint', [...endpoints])
          .select('endpoint', 'due_at');
  const dueAt = new Map(queues.map(({ endpoint, due_at: due }) => [endpoint, due ?? undefined]));
  return rows.map((row) => toDelivery(row, row.status === 'waiting' ? dueAt.get(row.endpoint) : undefined));
}

function toDelivery(row: Read, nextAttemptAt: Date | undefined): WatchedDelivery {
  const last = row.recent_attempts.at(-1);
  return {
    id: row.id,
    endpoint: row.endpoint,
    type: row.type,
    status: statusOf(row),
    attempts: row.attempts,
    createdAt: row.created_at,
    endedAt: row.ended_at ?? undefined,
    nextAttemptAt,
    lastStatus: last?.status ?? undefined,
    lastError: row.last_failure === NOT_CONFIGURED ? 'endpoint_removed' : (last?.error ?? undefined),
    recentAttempts: row.recent_attempts,
  };
}

function statusOf({ status, attempts }: Read): DeliveryStatus {
  if (status === 'delivered') return 'delivered';
  if (status === 'dead') return 'failed';
  return attempts === 0 ? 'pending' : 'retrying';
}
