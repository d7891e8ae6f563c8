import type { Clock } from '../../clock.ts';
import type { WorkosGateway } from '../../workos/gateway.ts';
import type { DriftKind } from './compare.ts';
import { reconcileOrganization } from './reconcile-organization.ts';
import type { Deps as OrganizationDeps, Finding, Run } from './reconcile-organization.ts';

type Deps = OrganizationDeps & {
  workos: Pick<WorkosGateway, 'listOrganizations' | 'listOrganizationKeys' | 'listUserKeys'>;
  /** The mirror's organizations in the order of their ids. */
  tenantIds: (after: string, limit: number) => Promise<string[]>;
  /** Which of these the mirror has. */
  knownTenants: (ids: readonly string[]) => Promise<ReadonlySet<string>>;
  clock: Clock;
};

export type Options = {
  /** Only this organization. */
  organizationId?: string | undefined;
  /** Mends nothing; all that it writes are its own marks of what it saw. */
  dryRun: boolean;
  onFinding: (finding: Finding) => void;
  onFailure: (organizationId: string, error: unknown) => void;
  /** Told now and then how far it is. */
  onProgress: (progress: Progress) => void;
};

export type Progress = {
  organizations: number;
  keys: number;
  failures: number;
  found: Record<DriftKind, number>;
  mended: number;
};

export type Reconcile = ReturnType<typeof makeReconcile>;

const PAGE = 100;
/** That many organizations that fail one after the other are WorkOS or the database being away. */
const GIVE_UP_AFTER = 3;

/**
 * Compares every organization of the mirror with WorkOS, and every organization that only WorkOS has. One that fails is
 * told of and left as it is.
 */
export function makeReconcile(deps: Deps) {
  return async function reconcile(options: Options): Promise<Progress> {
    const progress: Progress = { organizations: 0, keys: 0, failures: 0, mended: 0, found: noneFound() };
    const run = makeRun(deps, options, progress);
    let failedInARow = 0;
    for await (const organizationId of organizationsOf(deps, options)) {
      try {
        await reconcileOrganization(deps, run, organizationId);
        failedInARow = 0;
      } catch (error) {
        progress.failures++;
        options.onFailure(organizationId, error);
        if (++failedInARow >= GIVE_UP_AFTER) break;
      }
      progress.organizations++;
      options.onProgress(progress);
    }
    return progress;
  };
}

function makeRun(deps: Deps, { dryRun, onFinding, onProgress }: Options, progress: Progress): Run {
  let same: Promise<boolean> | undefined;
  return {
    startedAt: deps.clock(),
    mends: !dryRun,
    onKeys(count) {
      progress.keys += count;
      onProgress(progress);
    },
    onFinding(finding) {
      progress.found[finding.kind]++;
      if (finding.mended) progress.mended++;
      onFinding(finding);
    },
    isSameWorkos: () => (same ??= isSameWorkos(deps)),
  };
}

async function* organizationsOf(deps: Deps, { organizationId }: Options): AsyncGenerator<string> {
  if (organizationId !== undefined) {
    yield organizationId;
    return;
  }
  for (let after: string | undefined = ''; after !== undefined;) {
    const ids: string[] = await deps.tenantIds(after, PAGE);
    yield* ids;
    after = ids.at(-1);
  }
  for await (const ids of pagesOfOrganizations(deps)) {
    const known = await deps.knownTenants(ids);
    yield* ids.filter((id) => !known.has(id));
  }
}

async function* pagesOfOrganizations({ workos }: Deps): AsyncGenerator<string[]> {
  let page: string[] = [];
  for await (const { id } of workos.listOrganizations()) {
    page.push(id);
    if (page.length < PAGE) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

async function isSameWorkos(deps: Deps): Promise<boolean> {
  for await (const ids of pagesOfOrganizations(deps)) if ((await deps.knownTenants(ids)).size > 0) return true;
  return false;
}

function noneFound(): Record<DriftKind, number> {
  return { only_here: 0, only_there: 0, different_expiry: 0, different_permissions: 0, unsettled: 0 };
}
