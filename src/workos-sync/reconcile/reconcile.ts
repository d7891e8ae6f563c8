import type { Clock } from '../../clock.ts';
import type { Environment } from '../../api-keys/key.ts';
import { DRIFT_KINDS } from './compare.ts';
import type { DriftKind } from './compare.ts';
import { reconcileOrganization } from './reconcile-organization.ts';
import type { Deps as OrganizationDeps, Finding, Run } from './reconcile-organization.ts';

type Deps = {
  /** The configured environments, in the order in which they are compared. */
  compared: readonly OrganizationDeps[];
  /** The environments that are not configured. */
  leftOut: readonly Environment[];
  clock: Clock;
};

export type Options = {
  /** Only this organization. */
  organizationId?: string | undefined;
  /** Repairs nothing; writes only its marks of the rows that it saw. */
  dryRun: boolean;
  onFinding: (finding: FindingOf) => void;
  onFailure: (failure: Failure) => void;
  /** Called after each page and organization. */
  onProgress: (progress: Progress) => void;
};

export type FindingOf = Finding & { environment: Environment };

/** `organizationId` is undefined when the list of organizations could not be read. */
export type Failure = { environment: Environment; organizationId: string | undefined; error: unknown };

export type Counts = {
  organizations: number;
  keys: number;
  failures: number;
  found: Record<DriftKind, number>;
  repaired: number;
};

/** The counts of one environment. */
export type Progress = Counts & { environment: Environment };

export type Outcome = { compared: readonly Progress[]; leftOut: readonly Environment[] };

export type Reconcile = ReturnType<typeof makeReconcile>;

/** So many failures in a row mean an outage of WorkOS or the database. */
const GIVE_UP_AFTER = 3;

/**
 * Compares every organization of the mirror, and every one that only WorkOS has: first with the live environment, then
 * with the test environment if there is one, independently. An organization that fails is reported and left as it is.
 */
export function makeReconcile({ compared, leftOut, clock }: Deps) {
  return async function reconcile(options: Options): Promise<Outcome> {
    const startedAt = clock();
    const done: Progress[] = [];
    for (const deps of compared) done.push(await reconcileEnvironment(deps, options, startedAt));
    return { compared: done, leftOut };
  };
}

async function reconcileEnvironment(deps: OrganizationDeps, options: Options, startedAt: Date): Promise<Progress> {
  const { environment, organizations } = deps.side;
  const progress: Progress = { environment, organizations: 0, keys: 0, failures: 0, repaired: 0, found: noneFound() };
  const run = makeRun(deps, options, progress, startedAt);
  function fail(organizationId: string | undefined, error: unknown): void {
    progress.failures++;
    options.onFailure({ environment, organizationId, error });
  }
  let failedInARow = 0;
  try {
    for await (const organizationId of organizations(options.organizationId)) {
      failedInARow = await reconcileOrganization(deps, run, organizationId).then(
        () => 0,
        (error: unknown) => {
          fail(organizationId, error);
          return failedInARow + 1;
        },
      );
      if (failedInARow >= GIVE_UP_AFTER) break;
      progress.organizations++;
      options.onProgress(progress);
    }
  } catch (error) {
    fail(undefined, error);
  }
  return progress;
}

function makeRun(deps: OrganizationDeps, options: Options, progress: Progress, startedAt: Date): Run {
  const { dryRun, onFinding, onProgress } = options;
  let same: Promise<boolean> | undefined;
  return {
    startedAt,
    repairs: !dryRun,
    onKeys(count) {
      progress.keys += count;
      onProgress(progress);
    },
    onFinding(finding) {
      progress.found[finding.kind]++;
      if (finding.repaired) progress.repaired++;
      onFinding({ environment: progress.environment, ...finding });
    },
    isSameWorkos: () => (same ??= deps.side.knowsAny()),
  };
}

/** Sums the counts of all environments. */
export function totalOf(compared: readonly Progress[]): Counts {
  const total: Counts = { organizations: 0, keys: 0, failures: 0, repaired: 0, found: noneFound() };
  for (const { organizations, keys, failures, repaired, found } of compared) {
    total.organizations += organizations;
    total.keys += keys;
    total.failures += failures;
    total.repaired += repaired;
    for (const kind of DRIFT_KINDS) total.found[kind] += found[kind];
  }
  return total;
}

function noneFound(): Record<DriftKind, number> {
  return { only_here: 0, only_there: 0, different_expiry: 0, different_permissions: 0, unsettled: 0 };
}
