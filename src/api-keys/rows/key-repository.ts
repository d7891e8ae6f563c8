import type { Knex } from 'knex';
import { readInWindows } from '../../db/read-in-windows.ts';
import { directionOf, toPage, unknownCursor } from '../../http/pagination.ts';
import type { Page, PageRequest } from '../../http/pagination.ts';
import { ID } from '../../ids.ts';
import { makeCountByStatus } from './count-keys.ts';
import type { Reach } from '../rules/key-access.ts';
import { keyWriter } from './key-writer.ts';
import { KEY_COLUMNS, provisionedKeys, toKey } from './key-row.ts';
import type { Environment, Key, KeyStatus } from '../key.ts';

export type KeyFilter = {
  status?: KeyStatus | undefined;
  permissionSet?: string | undefined;
  expiresBefore?: Date | undefined;
  environment?: Environment | undefined;
  /** Keys of the organization itself, of any person, or of one person. */
  owner?: 'organization' | 'user' | { ownerUserId: string } | undefined;
  q?: string | undefined;
};

type KeyQuery = ReturnType<typeof provisionedKeys>;
export type KeyRepository = ReturnType<typeof makeKeyRepository>;

/** Reads and changes keys, always those of one organization. */
export function makeKeyRepository(db: Knex) {
  const provisioned = (organizationId: string) => provisionedKeys(db, organizationId);

  return {
    /** `reach`: only keys of that person. */
    async find(organizationId: string, id: string, reach?: Reach): Promise<Key | undefined> {
      if (!ID.test(id)) return undefined;
      const row = await within(provisioned(organizationId), reach).where({ workos_id: id }).first(KEY_COLUMNS);
      return row && toKey(row);
    },

    /** Reads a key and locks it until the transaction ends. */
    async lock(trx: Knex.Transaction, organizationId: string, id: string, reach?: Reach): Promise<Key | undefined> {
      if (!ID.test(id)) return undefined;
      const query = within(provisionedKeys(trx, organizationId), reach).where({ workos_id: id });
      const row = await query.forUpdate().first(KEY_COLUMNS);
      return row && toKey(row);
    },

    /** Newest first. @throws AppError `validation_error` for a cursor that is no key of the organization. */
    async list(organizationId: string, filter: KeyFilter, page: PageRequest, now: Date): Promise<Page<Key>> {
      const from = await cursorRow(db, organizationId, filter.owner, page);
      const between = (after: string | undefined, to?: string) =>
        keysBetween(provisioned(organizationId), organizationId, page, after, to);
      const isFiltered = Object.values(filter).some((value) => value !== undefined);
      const list = {
        rowBehind: async (after: string | undefined, rows: number) =>
          isFiltered
            ? (
                await between(after)
                  .offset(rows - 1)
                  .first('id')
              )?.id
            : undefined,
        read: (after: string | undefined, to: string | undefined, limit: number) =>
          applyFilter(between(after, to), filter, now).limit(limit).select(KEY_COLUMNS),
      };
      const rows = await readInWindows(list, from, page.limit + 1);
      return toPage(rows.map(toKey), page, ({ id }) => id);
    },

    /**
     * Counts the keys of one environment towards the quota of the organization or, apart from it, of one person: active
     * keys and provisionings. A key and its successor count as one.
     */
    countTowardsQuota,

    countByStatus: makeCountByStatus(db),

    ...keyWriter,
  };
}

/** Locks an organization's keys by WorkOS's ids until the transaction ends. Leaves out unknown ids. */
export async function holdKeys(trx: Knex.Transaction, organizationId: string, ids: readonly string[]): Promise<Key[]> {
  if (ids.length === 0) return [];
  const rows = await provisionedKeys(trx, organizationId)
    .whereIn('workos_id', [...ids])
    .orderBy('id')
    .forUpdate()
    .select(KEY_COLUMNS);
  return rows.map(toKey);
}

/** Maps WorkOS's ids of keys, in any organizations, to the organizations. Leaves out unknown ids. */
export function makeOrganizationsOfKeys(db: Knex) {
  return async (ids: readonly string[]): Promise<ReadonlyMap<string, string>> => {
    const { rows } = await db.raw<{ rows: { workos_id: string; organization_id: string }[] }>(
      'select workos_id, organization_id from api_keys where workos_id = any(?)',
      [[...ids]],
    );
    return new Map(rows.map(({ workos_id, organization_id }) => [workos_id, organization_id]));
  };
}

async function countTowardsQuota(
  on: Knex | Knex.Transaction,
  organizationId: string,
  { environment, ownerUserId }: Pick<Key, 'environment' | 'ownerUserId'>,
  now: Date,
): Promise<number> {
  const { rows } = await on.raw<{ rows: { count: string }[] }>(
    `select count(*) from api_keys
     where organization_id = ? and environment = ? and owner_user_id is not distinct from ?
       and status in ('provisioning', 'active') and (expires_at is null or expires_at > ?)
       and rotated_to is null and not (status = 'provisioning' and rotated_from is not null)`,
    [organizationId, environment, ownerUserId ?? null, now],
  );
  return Number(rows[0]!.count);
}

function within(query: KeyQuery, reach: Reach): KeyQuery {
  return reach ? query.where({ owner_user_id: reach.ownerUserId }) : query;
}

function applyOwner(query: KeyQuery, owner: KeyFilter['owner']): void {
  if (owner === 'organization') void query.whereNull('owner_user_id');
  else if (owner === 'user') void query.whereNotNull('owner_user_id');
  else if (owner) void query.where({ owner_user_id: owner.ownerUserId });
}

function applyFilter(query: KeyQuery, filter: KeyFilter, now: Date): KeyQuery {
  if (filter.status === 'revoked') void query.where({ status: 'revoked' });
  if (filter.status === 'active') {
    void query.where({ status: 'active' }).whereRaw('(expires_at is null or expires_at > ?)', [now]);
  }
  if (filter.status === 'expired') void query.where({ status: 'active' }).where('expires_at', '<=', now);
  if (filter.permissionSet !== undefined) void query.where({ permission_set: filter.permissionSet });
  applyOwner(query, filter.owner);
  if (filter.environment) void query.where({ environment: filter.environment });
  if (filter.expiresBefore) void query.where('expires_at', '<', filter.expiresBefore);
  if (filter.q !== undefined) void query.whereRaw('label ilike ?', [`%${filter.q.replaceAll(/[\\%_]/g, '\\$&')}%`]);
  return query;
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

/** Orders keys as the page wants them, from behind the row `after` up to and including the row `to`. */
function keysBetween(
  query: KeyQuery,
  organizationId: string,
  page: PageRequest,
  after?: string,
  to?: string,
): KeyQuery {
  const { older } = directionOf(page);
  const position = '(select created_at, id from api_keys where organization_id = ? and id = ?)';
  if (after !== undefined)
    void query.whereRaw(`(created_at, id) ${older ? '<' : '>'} ${position}`, [organizationId, after]);
  if (to !== undefined)
    void query.whereRaw(`(created_at, id) ${older ? '>=' : '<='} ${position}`, [organizationId, to]);
  const order = older ? 'desc' : 'asc';
  return query.orderBy([
    { column: 'created_at', order },
    { column: 'id', order },
  ]);
}
