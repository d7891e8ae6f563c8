import type { ComparedTestOrganizations, Standing } from '../../tenants/compared-test-organizations.ts';
import type { TestOrganizations } from '../../tenants/test-organizations.ts';
import type { WorkosKey } from '../../workos/entities.ts';
import type { WorkosGateway } from '../../workos/gateway.ts';
import { inPages, throughIds } from './in-pages.ts';
import type { Side } from './side.ts';

type Deps = {
  /** Of the test environment, by its own ids. */
  workos: Pick<WorkosGateway, 'listOrganizations' | 'listOrganizationKeys'>;
  compared: ComparedTestOrganizations;
  organizations: Pick<TestOrganizations, 'remember'>;
  /** Which of these organizations of ours the mirror has. */
  knownTenants: (ids: readonly string[]) => Promise<ReadonlySet<string>>;
};

/**
 * WorkOS's test environment: the organizations of ours that have test keys, and those for which one stands there that
 * nobody has told us of. What stands for none of ours is left alone.
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

    // By the ids that WorkOS gave: our ids may be in any environment that a copy of this database has used.
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
      // A test key is its organization's: the people of the test environment are nobody's here.
      if (key.userId === undefined) yield { ...key, organizationId, environment: 'test' };
    }
  }
}

/** From here on the events of the one that says it stands for ours are ours. */
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
