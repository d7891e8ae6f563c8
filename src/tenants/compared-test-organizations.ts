import type { Knex } from 'knex';
import type { WorkosGateway } from '../workos/gateway.ts';
import type { TestOrganizations } from './test-organizations.ts';

type Deps = {
  db: Knex;
  /** Of the test environment, by its own ids. */
  workos: Pick<WorkosGateway, 'findOrganizationByExternalId'>;
  organizations: Pick<TestOrganizations, 'ownerOf'>;
};
type Row = { organization_id: string; test_organization_id: string | null };

/** The test environment's organizations that stand for one of ours: the one stored here, and the one with its external id. */
export type Standing = { remembered: string | undefined; found: string | undefined };

export type ComparedTestOrganizations = ReturnType<typeof makeComparedTestOrganizations>;

const WITH_TEST_KEYS = `(tenants.test_organization_id is not null or exists (
  select 1 from api_keys
  where api_keys.organization_id = tenants.organization_id and api_keys.environment = 'test'))`;

/** Lists the organizations that a reconciliation with the test environment compares. It writes nothing. */
export function makeComparedTestOrganizations({ db, workos, organizations }: Deps) {
  const tenants = () => db<Row>('tenants');

  return {
    /** Lists ours that have, or may have, test keys, by id. */
    listIds: (after: string, limit: number): Promise<string[]> =>
      tenants()
        .where('organization_id', '>', after)
        .whereRaw(WITH_TEST_KEYS)
        .orderBy('organization_id')
        .limit(limit)
        .pluck('organization_id'),

    /** Lists those that are ours and have no test keys in the mirror. */
    newAmong: (organizationIds: readonly string[]): Promise<string[]> =>
      tenants()
        .whereIn('organization_id', organizationIds)
        .whereRaw(`not ${WITH_TEST_KEYS}`)
        .orderBy('organization_id')
        .pluck('organization_id'),

    /** Whether any of these organizations of the test environment is stored here. */
    async remembersAny(testOrganizationIds: readonly string[]): Promise<boolean> {
      return (
        (await tenants().whereIn('test_organization_id', testOrganizationIds).first('organization_id')) !== undefined
      );
    },

    /** @throws WorkosFailure */
    async standingFor(organizationId: string): Promise<Standing> {
      const found = (await workos.findOrganizationByExternalId(organizationId))?.id;
      const owner = found && (await organizations.ownerOf(found));
      const row = await tenants().where({ organization_id: organizationId }).first('test_organization_id');
      return {
        remembered: row?.test_organization_id ?? undefined,
        // One that is stored for another of ours stays with it, whatever its external id is now.
        found: owner === undefined || owner === organizationId ? found : undefined,
      };
    },
  };
}
