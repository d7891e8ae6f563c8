import type { Clock } from '../../clock.ts';
import type { Environment } from '../../api-keys/key.ts';
import { DRIFT_KINDS } from './compare.ts';
import type { DriftKind } from './compare.ts';
import { reconcileOrganization } from './reconcile-organization.ts';
import type { Deps as OrganizationDeps, Finding, Run } from './reconcile-organization.ts';

type Deps = {
  /** One for each environment that is configured, in the order in which they are compared. */
  compared: readonly OrganizationDeps[];
  /** The environments that are not. */
  leftOut: readonly Environment[];
  clock: Clock;
};

export type Options = {
  /** Only this organization. */
  organizationId?: string | undefined;
  /** Mends nothing; all that it writes are its own marks of what it saw. */
  dryRun: boolean;
  onFinding: (finding: FindingOf) => void;
  onFailure: (failure: Failure) => void;
  /** Told now and then how far it is. */
  onProgress: (progress: Progress) => void;
};

export type FindingOf = Finding & { environment: Environment };

/** `organizationId` undefined: it could not be read which organizations there are. */
export type Failure = { environment: Environment; organizationId: string | undefined; error: unknown };

export type Counts = {
  organizations: number;
  keys: number;
  failures: number;
  found: Record<DriftKind, number>;
  mended: number;
};

/** How far it came with one environment. */
export type Progress = Counts & { environment: Environment };

export type Outcome = { compared: readonly Progress[]; leftOut: readonly Environment[] };

export type Reconcile = ReturnType<typeof makeReconcile>;

/** That many organizations that fail one after the other are WorkOS or the database being away. */
const GIVE_UP_AFTER = 3;

/**
 * Compares every organization of the mirror with WorkOS, and every organization that only WorkOS has: with live WorkOS
 * and then, if there is one, with its test environment, each as if it were the only one. An organization that fails is
 * told of and left as it is.
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
  const progress: Progress = { environment, organizations: 0, keys: 0, failures: 0, mended: 0, found: noneFound() };
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
    mends: !dryRun,
    onKeys(count) {
      progress.keys += count;
      onProgress(progress);
    },
    onFinding(finding) {
      progress.found[finding.kind]++;
      if (finding.mended) progress.mended++;
      onFinding({ environment: progress.environment, ...finding });
    },
    isSameWorkos: () => (same ??= deps.side.knowsAny()),
  };
}

/** What was counted in all environments together. */
export function totalOf(compared: readonly Progress[]): Counts {
  const total: Counts = { organizations: 0, keys: 0, failures: 0, mended: 0, found: noneFound() };
  for (const { organizations, keys, failures, mended, found } of compared) {
    total.organizations += organizations;
    total.keys += keys;
    total.failures += failures;
    total.mended += mended;
    for (const kind of DRIFT_KINDS) total.found[kind] += found[kind];
  }
  return total;
}

function noneFound(): Record<DriftKind, number> {
  return { only_here: 0, only_there: 0, different_expiry: 0, different_permissions: 0, unsettled: 0 };
}
