import type { Knex } from 'knex';
import { countInWindows, readInWindows } from '../../db/read-in-windows.ts';
import { directionOf, toPage, unknownCursor } from '../../http/pagination.ts';
import type { Page, PageRequest } from '../../http/pagination.ts';
import { KEY_COLUMNS, provisionedKeys, toKey, within } from './key-row.ts';
import type { Environment, Key, KeyOrigin, KeyStatus } from '../key.ts';
import type { Reach } from '../rules/key-access.ts';

export type KeyFilter = {
  status?: KeyStatus | undefined;
  permissionSet?: string | undefined;
  expiresBefore?: Date | undefined;
  environment?: Environment | undefined;
  /** Keys of the organization itself, of any person, or those that a caller reaches. */
  owner?: 'organization' | 'user' | Reach;
  /** Undefined: all but those of CI jobs, which come and go by the thousands. */
  origin?: KeyOrigin | undefined;
  /** Part of the label, the last four characters of the secret, or the id. */
  q?: string | undefined;
};

type Order = { by: string; descending: boolean };

/** What keys are ordered by, and the id for those that are equal. Each has an index. */
const ORDERS = {
  created_at: { by: 'created_at', descending: false },
  '-created_at': { by: 'created_at', descending: true },
  expires_at: { by: "coalesce(expires_at, 'infinity')", descending: false },
  // The same order in every database, whatever its collation.
  label: { by: 'lower(label collate "C")', descending: false },
} satisfies Record<string, Order>;

export type KeySort = keyof typeof ORDERS;
export const KEY_SORTS = Object.keys(ORDERS) as [KeySort, ...KeySort[]];

const LAST_FOUR = 4;
const DEFAULT_SORT: KeySort = '-created_at';

type KeyQuery = ReturnType<typeof provisionedKeys>;
export type KeyList = ReturnType<typeof makeKeyList>;

/** Lists an organization's keys, filtered and in order. */
export function makeKeyList(db: Knex) {
  /** Makes the part of the list of one organization that a filter and a page read. */
  function windowsOf(organizationId: string, filter: KeyFilter, order: Order, now: Date) {
    const between = (after: string | undefined, to?: string) =>
      keysBetween(provisionedKeys(db, organizationId), organizationId, order, after, to);
    return {
      rowBehind: async (after: string | undefined, rows: number) =>
        (
          await between(after)
            .offset(rows - 1)
            .first('id')
        )?.id,
      read: (after: string | undefined, to: string | undefined, limit: number) =>
        applyFilter(between(after, to), filter, now).limit(limit).select(KEY_COLUMNS),
      count: async (after: string | undefined, to: string | undefined) => {
        const [row] = await applyFilter(between(after, to).clearOrder(), filter, now).count('*', { as: 'count' });
        return Number(row!.count);
      },
    };
  }

  return {
    /** Newest first unless sorted. @throws AppError `validation_error` for a cursor that is no key of the organization */
    async list(
      organizationId: string,
      filter: KeyFilter,
      { sort = DEFAULT_SORT, ...page }: PageRequest & { sort?: KeySort | undefined },
      now: Date,
    ): Promise<Page<Key>> {
      const from = await cursorRow(db, organizationId, filter.owner, page);
      const { by, descending } = ORDERS[sort];
      const forwards = directionOf(page).older;
      const { rowBehind, read } = windowsOf(organizationId, filter, { by, descending: descending === forwards }, now);
      const rows = await readInWindows({ rowBehind, read }, from, page.limit + 1);
      return toPage(rows.map(toKey), page, ({ id }) => id);
    },

    /** Counts the keys that pass a filter; undefined for an organization of too many keys to look through. */
    count(organizationId: string, filter: KeyFilter, now: Date): Promise<number | undefined> {
      return countInWindows(windowsOf(organizationId, filter, ORDERS[DEFAULT_SORT], now));
    },
  };
}

function applyOwner(query: KeyQuery, owner: KeyFilter['owner']): void {
  if (owner === 'organization') void query.whereNull('owner_user_id');
  else if (owner === 'user') void query.whereNotNull('owner_user_id');
  else within(query, owner);
}

function applyFilter(query: KeyQuery, filter: KeyFilter, now: Date): KeyQuery {
  if (filter.status === 'revoked') void query.where({ status: 'revoked' });
  if (filter.status === 'active' || filter.status === 'suspended') {
    void query.where({ status: 'active' }).whereRaw('(expires_at is null or expires_at > ?)', [now]);
    if (filter.status === 'active') void query.whereNull('suspended_at');
    else void query.whereNotNull('suspended_at');
  }
  if (filter.status === 'expired') void query.where({ status: 'active' }).where('expires_at', '<=', now);
  if (filter.permissionSet !== undefined) void query.where({ permission_set: filter.permissionSet });
  applyOwner(query, filter.owner);
  if (filter.origin) void query.where({ origin: filter.origin });
  else void query.whereNot({ origin: 'ci' });
  if (filter.environment) void query.where({ environment: filter.environment });
  if (filter.expiresBefore) void query.where('expires_at', '<', filter.expiresBefore);
  if (filter.q !== undefined) applyText(query, filter.q);
  return query;
}

function applyText(query: KeyQuery, q: string): void {
  const part = `%${q.replaceAll(/[\\%_]/g, '\\$&')}%`;
  if (q.length === LAST_FOUR)
    void query.whereRaw('(label ilike ? or workos_id = ? or right(prefix, ?) = ?)', [part, q, LAST_FOUR, q]);
  else void query.whereRaw('(label ilike ? or workos_id = ?)', [part, q]);
}

// A cursor must be a key that the list shows.
async function cursorRow(
  db: Knex,
  organizationId: string,
  owner: KeyFilter['owner'],
  page: PageRequest,
): Promise<string | undefined> {
  const { cursor, field } = directionOf(page);
  if (cursor === undefined) return undefined;
  const shown = provisionedKeys(db, organizationId).where({ workos_id: cursor });
  applyOwner(shown, owner);
  const at = await shown.first('id');
  if (!at) throw unknownCursor(field);
  return at.id;
}

/** Orders keys, from behind the row `after` up to and including the row `to`. */
function keysBetween(
  query: KeyQuery,
  organizationId: string,
  { by, descending }: Order,
  after?: string,
  to?: string,
): KeyQuery {
  const position = `(select ${by}, id from api_keys where organization_id = ? and id = ?)`;
  if (after !== undefined)
    void query.whereRaw(`(${by}, id) ${descending ? '<' : '>'} ${position}`, [organizationId, after]);
  if (to !== undefined)
    void query.whereRaw(`(${by}, id) ${descending ? '>=' : '<='} ${position}`, [organizationId, to]);
  const direction = descending ? 'desc' : 'asc';
  return query.orderByRaw(`${by} ${direction}, id ${direction}`);
}
