import type { Knex } from 'knex';
import { directionOf, toPage, unknownCursor } from '../../http/pagination.ts';
import type { Page, PageRequest } from '../../http/pagination.ts';
import { ID } from '../../ids.ts';
import type { Environment } from '../../api-keys/key.ts';
import type { Conditions } from '../conditions/condition.ts';
import type { Policy } from './policy.ts';

type Row = {
  organization_id: string;
  id: string;
  name: string;
  issuer: string;
  issuer_organization: string | null;
  issue: Policy['issue'];
  permission_sets: string[];
  scopes: string[];
  environments: Environment[];
  max_lifetime_seconds: number;
  max_active_keys: number;
  conditions: Conditions;
  enabled: boolean;
  created_by_kind: string;
  created_by_id: string;
  created_at: Date;
  updated_at: Date;
};

export type PolicyRepository = ReturnType<typeof makePolicyRepository>;

export function makePolicyRepository(db: Knex) {
  return {
    async find(organizationId: string, id: string): Promise<Policy | undefined> {
      if (!ID.test(id)) return undefined;
      const row = await ofOrganization(db, organizationId).where({ id }).first();
      return row && toPolicy(row);
    },

    /** Finds the policy of whichever organization: the exchange has no other caller than the policy's own. */
    async findAnywhere(id: string): Promise<Policy | undefined> {
      const row = await db<Row>('ci_policies').where({ id }).first();
      return row && toPolicy(row);
    },

    /** Reads a policy and locks it until the transaction ends. */
    async lock(trx: Knex.Transaction, organizationId: string, id: string): Promise<Policy | undefined> {
      if (!ID.test(id)) return undefined;
      const row = await ofOrganization(trx, organizationId).where({ id }).forUpdate().first();
      return row && toPolicy(row);
    },

    /** Reads a policy and keeps it as it is until the transaction ends. */
    async hold(trx: Knex.Transaction, organizationId: string, id: string): Promise<Policy | undefined> {
      const row = await ofOrganization(trx, organizationId).where({ id }).forShare().first();
      return row && toPolicy(row);
    },

    async count(trx: Knex.Transaction, organizationId: string): Promise<number> {
      const [row] = await ofOrganization(trx, organizationId).count('*', { as: 'count' });
      return Number(row!.count);
    },

    /** Newest first. @throws AppError `validation_error` for a cursor that is no policy of the organization */
    async list(organizationId: string, page: PageRequest): Promise<Page<Policy>> {
      const { cursor, field, older } = directionOf(page);
      const query = ofOrganization(db, organizationId);
      if (cursor !== undefined) {
        if (!(await query.clone().where({ id: cursor }).first('id'))) throw unknownCursor(field);
        void query.where('id', older ? '<' : '>', cursor);
      }
      const rows: Row[] = await query.orderBy('id', older ? 'desc' : 'asc').limit(page.limit + 1);
      return toPage(rows.map(toPolicy), page, ({ id }) => id);
    },

    async insert(trx: Knex.Transaction, policy: Policy): Promise<void> {
      await trx<Row>('ci_policies').insert(toRow(policy));
    },

    async update(trx: Knex.Transaction, policy: Policy): Promise<void> {
      await ofOrganization(trx, policy.organizationId).where({ id: policy.id }).update(toRow(policy));
    },

    async delete(trx: Knex.Transaction, { organizationId, id }: Pick<Policy, 'organizationId' | 'id'>): Promise<void> {
      await ofOrganization(trx, organizationId).where({ id }).delete();
    },
  };
}

function ofOrganization(on: Knex, organizationId: string) {
  return on<Row>('ci_policies').where({ organization_id: organizationId });
}

function toPolicy(row: Row): Policy {
  return {
    id: row.id,
    organizationId: row.organization_id,
    name: row.name,
    issuer: row.issuer,
    issuerOrganization: row.issuer_organization ?? undefined,
    issue: row.issue,
    permissionSets: row.permission_sets,
    scopes: row.scopes,
    environments: row.environments,
    maxLifetimeSeconds: row.max_lifetime_seconds,
    maxActiveKeys: row.max_active_keys,
    conditions: row.conditions,
    enabled: row.enabled,
    createdBy: { kind: row.created_by_kind, id: row.created_by_id },
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function toRow(policy: Policy): Row {
  return {
    id: policy.id,
    organization_id: policy.organizationId,
    name: policy.name,
    issuer: policy.issuer,
    issuer_organization: policy.issuerOrganization ?? null,
    issue: policy.issue,
    permission_sets: [...policy.permissionSets],
    scopes: [...policy.scopes],
    environments: [...policy.environments],
    max_lifetime_seconds: policy.maxLifetimeSeconds,
    max_active_keys: policy.maxActiveKeys,
    // The driver alone would send an object in a form of its own.
    conditions: JSON.stringify(policy.conditions) as never,
    enabled: policy.enabled,
    created_by_kind: policy.createdBy.kind,
    created_by_id: policy.createdBy.id,
    created_at: policy.createdAt,
    updated_at: policy.updatedAt,
  };
}
