import type { MirroredKeys } from '../../api-keys/mirror/mirrored-keys.ts';
import type { WorkosKey } from '../../workos/entities.ts';
import type { WorkosGateway } from '../../workos/gateway.ts';
import { inPages, throughIds } from './in-pages.ts';
import type { Side } from './side.ts';

type Deps = {
  workos: Pick<WorkosGateway, 'listOrganizations' | 'listOrganizationKeys' | 'listUserKeys'>;
  mirroredKeys: Pick<MirroredKeys, 'owners'>;
  /** The mirror's organizations in the order of their ids. */
  tenantIds: (after: string, limit: number) => Promise<string[]>;
  /** Returns those of these ids that the mirror has. */
  knownTenants: (ids: readonly string[]) => Promise<ReadonlySet<string>>;
  /** Makes the roles of owners of personal keys due to be read from WorkOS again. */
  doubtMembers: (organizationId: string) => Promise<void>;
};

/** The live environment: every organization of the mirror, and every one that only WorkOS has. */
export function makeLiveSide(deps: Deps): Side {
  return {
    environment: 'live',
    organizations: (only) => organizationsOf(deps, only),
    of: (organizationId) =>
      Promise.resolve({
        keys: () => keysOf(deps, organizationId),
        finish: () => deps.doubtMembers(organizationId),
      }),
    async knowsAny() {
      for await (const ids of pagesOfIds(deps)) if ((await deps.knownTenants(ids)).size > 0) return true;
      return false;
    },
  };
}

async function* organizationsOf(deps: Deps, only: string | undefined): AsyncGenerator<string> {
  if (only !== undefined) {
    yield only;
    return;
  }
  yield* throughIds(deps.tenantIds);
  for await (const ids of pagesOfIds(deps)) {
    const known = await deps.knownTenants(ids);
    yield* ids.filter((id) => !known.has(id));
  }
}

async function* pagesOfIds({ workos }: Deps): AsyncGenerator<string[]> {
  for await (const page of inPages(workos.listOrganizations())) yield page.map(({ id }) => id);
}

/** Streams an organization's own keys, then the keys of each owner in the mirror. */
async function* keysOf({ workos, mirroredKeys }: Deps, organizationId: string): AsyncGenerator<WorkosKey> {
  for await (const key of workos.listOrganizationKeys(organizationId)) if (key.userId === undefined) yield key;
  const owners = throughIds((after, limit) => mirroredKeys.owners(organizationId, after, limit));
  for await (const userId of owners) yield* workos.listUserKeys(organizationId, userId);
}
