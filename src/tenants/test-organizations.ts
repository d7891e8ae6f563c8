import type { Knex } from 'knex';
import { WorkosFailure } from '../workos/failure.ts';
import type { WorkosGateway } from '../workos/gateway.ts';

type Deps = {
  db: Knex;
  /** Of the test environment, by its own ids. */
  workos: Pick<WorkosGateway, 'findOrganizationByExternalId' | 'createOrganization'>;
};
type Row = { organization_id: string; name: string | null; test_organization_id: string | null };

export type TestOrganizations = ReturnType<typeof makeTestOrganizations>;

const MAX_KNOWN = 10_000;

/**
 * Maps our organizations to those of WorkOS's test environment, whose external id is our organization's id. An organization
 * is created there when it is first needed, and stored with the tenant.
 */
export function makeTestOrganizations({ db, workos }: Deps) {
  const tenant = (organizationId: string) => db<Row>('tenants').where({ organization_id: organizationId });
  const known = new Map<string, string>();

  async function knownOf(organizationId: string): Promise<string | undefined> {
    const cached = known.get(organizationId);
    if (cached !== undefined) return cached;
    const row = await tenant(organizationId).first('test_organization_id');
    const id = row?.test_organization_id ?? undefined;
    if (id !== undefined) cache(organizationId, id);
    return id;
  }

  function cache(organizationId: string, id: string): void {
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(organizationId, id);
  }

  async function make(organizationId: string): Promise<string> {
    const row = await tenant(organizationId).first('name');
    const { id } = await findOrCreate(workos, organizationId, row?.name ?? organizationId);
    // Another replica that was faster stored the same: at WorkOS an external id belongs to one organization.
    await tenant(organizationId).whereNull('test_organization_id').update({ test_organization_id: id });
    cache(organizationId, id);
    return id;
  }

  return {
    knownOf,

    /** @throws WorkosFailure */
    async of(organizationId: string): Promise<string> {
      return (await knownOf(organizationId)) ?? make(organizationId);
    },

    /** Forgets an organization that the test environment no longer has, so that another is created when needed. */
    async forget(organizationId: string, id: string): Promise<void> {
      known.delete(organizationId);
      await tenant(organizationId).where({ test_organization_id: id }).update({ test_organization_id: null });
    },

    /** Stores which organization stands for ours from now on, unless another replica was faster. */
    async remember(
      organizationId: string,
      { id, insteadOf }: { id: string; insteadOf: string | undefined },
    ): Promise<void> {
      known.delete(organizationId);
      await tenant(organizationId)
        .whereRaw('test_organization_id is not distinct from ?', [insteadOf ?? null])
        .update({ test_organization_id: id });
    },

    /** Returns our organization for one of the test environment. */
    async ownerOf(testOrganizationId: string): Promise<string | undefined> {
      const row = await db<Row>('tenants').where({ test_organization_id: testOrganizationId }).first('organization_id');
      return row?.organization_id;
    },
  };
}

async function findOrCreate(workos: Deps['workos'], externalId: string, name: string): Promise<{ id: string }> {
  const found = await workos.findOrganizationByExternalId(externalId);
  if (found) return found;
  try {
    return await workos.createOrganization({ name, externalId });
  } catch (error) {
    // Another replica created it meanwhile, or the answer was lost.
    const made = await workos.findOrganizationByExternalId(externalId).catch(() => undefined);
    if (made && error instanceof WorkosFailure) return made;
    throw error;
  }
}
