import { createHash } from 'node:crypto';
import type { Knex } from 'knex';
import { ID } from '../../ids.ts';
import { makeCountByStatus } from './count-keys.ts';
import type { Reach } from '../rules/key-access.ts';
import { makeKeyList } from './key-list.ts';
import { keyWriter } from './key-writer.ts';
import { KEY_COLUMNS, provisionedKeys, toKey, within } from './key-row.ts';
import type { Environment, Key } from '../key.ts';

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

    /** Finds a key by its row. */
    async findRow(organizationId: string, rowId: string): Promise<Key | undefined> {
      const row = await provisioned(organizationId).where({ id: rowId }).first(KEY_COLUMNS);
      return row && toKey(row);
    },

    /** Reads a key and locks it until the transaction ends. */
    async lock(trx: Knex.Transaction, organizationId: string, id: string, reach?: Reach): Promise<Key | undefined> {
      if (!ID.test(id)) return undefined;
      const query = within(provisionedKeys(trx, organizationId), reach).where({ workos_id: id });
      const row = await query.forUpdate().first(KEY_COLUMNS);
      return row && toKey(row);
    },

    /** Returns those of WorkOS's ids that are keys of the organization. `reach`: only keys of that person. */
    async among(organizationId: string, ids: readonly string[], reach?: Reach): Promise<ReadonlySet<string>> {
      const known = within(provisioned(organizationId), reach).whereIn('workos_id', [...ids]);
      return new Set((await known.select('workos_id')).flatMap(({ workos_id: id }) => id ?? []));
    },

    ...makeKeyList(db),

    /**
     * Returns a statement that counts the keys of one environment towards the quota of the organization or, apart from it, of one person: active
     * keys and provisionings. A key and its successor count as one. Keys of CI jobs have a quota of their own.
     */
    countTowardsQuota,

    countOfPerson,

    countOfCi,

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

export type Counted = { rows: { count: string }[] };

const IS_COUNTED = `origin <> 'ci' and status in ('provisioning', 'active') and (expires_at is null or expires_at > ?)
  and rotated_to is null and not (status = 'provisioning' and rotated_from is not null)`;

function countTowardsQuota(
  trx: Knex.Transaction,
  organizationId: string,
  { environment, ownerUserId }: Pick<Key, 'environment' | 'ownerUserId'>,
  now: Date,
) {
  return trx.raw<Counted>(
    `select count(*) from api_keys
     where organization_id = ? and environment = ? and owner_user_id is not distinct from ? and ${IS_COUNTED}`,
    [organizationId, environment, ownerUserId ?? null, now],
  );
}

/**
 * Counts the same of one person in all organizations. Counts of one person wait for each other until the transaction ends,
 * so that organizations, whose tenants are locked before, cannot both give the last place away.
 */
async function countOfPerson(
  trx: Knex.Transaction,
  { environment, ownerUserId }: { environment: Environment; ownerUserId: string },
  now: Date,
): Promise<number> {
  const hash = createHash('sha256').update(`keys of person\0${ownerUserId}`).digest();
  await trx.raw('select pg_advisory_xact_lock(?)', [hash.readBigInt64BE().toString()]);
  const { rows } = await trx.raw<{ rows: { count: string }[] }>(
    `select count(*) from api_keys where owner_user_id = ? and environment = ? and ${IS_COUNTED}`,
    [ownerUserId, environment, now],
  );
  return Number(rows[0]!.count);
}

/** Counts the unexpired keys of CI jobs: of the organization, and of one policy. */
async function countOfCi(
  trx: Knex.Transaction,
  organizationId: string,
  policyId: string,
  now: Date,
): Promise<{ ofOrganization: number; ofPolicy: number }> {
  const { rows } = await trx.raw<{ rows: { all: string; own: string }[] }>(
    `select count(*) as all, count(*) filter (where created_by_id = ?) as own from api_keys
     where organization_id = ? and origin = 'ci' and status in ('provisioning', 'active') and expires_at > ?`,
    [policyId, organizationId, now],
  );
  return { ofOrganization: Number(rows[0]!.all), ofPolicy: Number(rows[0]!.own) };
}
