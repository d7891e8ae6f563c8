import type { ComparedTestOrganizations, Standing } from '../../tenants/compared-test-organizations.ts';
import type { TestOrganizations } from '../../tenants/test-organizations.ts';
import type { WorkosKey } from '../../workos/entities.ts';
import type { WorkosGateway } from '../../workos/gateway.ts';
import { inPages, throughIds } from './in-pages.ts';
import type { Side } from './side.ts';

type Deps = {
  /** The test environment, by its own organization ids. */
  workos: Pick<WorkosGateway, 'listOrganizations' | 'listOrganizationKeys'>;
  compared: ComparedTestOrganizations;
  organizations: Pick<TestOrganizations, 'remember'>;
  /** Returns those of these live ids that the mirror has. */
  knownTenants: (ids: readonly string[]) => Promise<ReadonlySet<string>>;
};

/**
 * The test environment: live organizations that have test keys, and those that an organization of the test environment
 * names in its external id. An organization that stands for none of the mirror's is left alone.
 */
export function makeTestSide(deps: Deps): Side {
  const { workos, compared } = deps;
  return {
    environment: 'test',
    organizations: (only) => organizationsOf(deps, only),

    async of(organizationId) {
      const standing = await compared.standingFor(organizationId);
      return {
        keys: () => keysOf(deps, organizationId, standing),
        finish: (isSameWorkos) => remember(deps, organizationId, standing, isSameWorkos),
      };
    },

    // By WorkOS's ids: live ids may be in any environment that a copy of this database has used.
    async knowsAny() {
      for await (const page of inPages(workos.listOrganizations()))
        if (await compared.remembersAny(page.map(({ id }) => id))) return true;
      return false;
    },
  };
}

async function* organizationsOf(
  { workos, compared, knownTenants }: Deps,
  only: string | undefined,
): AsyncGenerator<string> {
  if (only !== undefined) {
    yield* await knownTenants([only]);
    return;
  }
  yield* throughIds(compared.listIds);
  for await (const page of inPages(workos.listOrganizations()))
    yield* await compared.newAmong(page.flatMap(({ externalId }) => externalId ?? []));
}

async function* keysOf(
  { workos }: Deps,
  organizationId: string,
  { remembered, found }: Standing,
): AsyncGenerator<WorkosKey> {
  for (const id of new Set([remembered, found])) {
    if (id === undefined) continue;
    for await (const key of workos.listOrganizationKeys(id)) {
      // Test keys belong to organizations: people of the test environment are unknown here.
      if (key.userId === undefined) yield { ...key, organizationId, environment: 'test' };
    }
  }
}

/** Remembers the organization that names the live one, so that its events are applied from now on. */
async function remember(
  { organizations }: Deps,
  organizationId: string,
  { remembered, found }: Standing,
  isSameWorkos: () => Promise<boolean>,
): Promise<void> {
  if (found === undefined || found === remembered) return;
  if (remembered === undefined || (await isSameWorkos()))
    await organizations.remember(organizationId, { id: found, insteadOf: remembered });
}
