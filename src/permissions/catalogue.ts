import type { RateLimit } from '../limits/limits.ts';
import { policyRulesOf } from '../product/billing-rules.ts';
import { makeGrants } from './grants.ts';
import { makeRequirementsOf } from './requirements.ts';
import { daysOf } from '../product/duration.ts';
import type { LeakResponse } from '../product/key-rules.ts';
import { toRate } from '../product/product.ts';
import type { Product } from '../product/product.ts';

export type PermissionSet = { name: string; description: string; scopes: readonly string[] };
export type ScopeGroup = {
  group: string;
  description: string | undefined;
  scopes: readonly { name: string; description: string; implies: readonly string[]; requires: string | undefined }[];
};
/** The limits of a plan; undefined: unlimited. */
export type Plan = {
  name: string;
  keyLimit: number;
  /** Active keys of CI jobs. */
  ciKeyLimit: number;
  rate: RateLimit | undefined;
  /** Bounds every key, whatever limits it or its set has. */
  maxRate: RateLimit | undefined;
  concurrency: number | undefined;
  maxConcurrency: number | undefined;
  organizationRate: RateLimit | undefined;
  /** The sets that new keys can be made from; undefined: all. */
  permissionSets: ReadonlySet<string> | undefined;
  /** Longest and default lifetime of new keys; undefined: without end. */
  maxExpiryDays: number | undefined;
  defaultExpiryDays: number | undefined;
};
/** The limits that a set gives its keys. */
export type SetLimits = { rate: RateLimit | undefined; concurrency: number | undefined };
export type Catalogue = ReturnType<typeof makeCatalogue>;

/** The product's configuration of keys, sets, scopes and plans, in the form that the features use. */
export function makeCatalogue(product: Product) {
  const sets = setsOf(product);
  const setLimits = new Map(
    product.permission_sets.map((set): [string, SetLimits] => [
      set.name,
      { rate: rateOf(set.rate_limit), concurrency: set.concurrency },
    ]),
  );
  const grants = makeGrants(product);
  const groups = product.scopes.map(toGroup);
  const plans = new Map(
    product.plans.map((plan): [string, Plan] => [plan.name, toPlan(plan, product.api_keys.expiry)]),
  );
  const defaultPlan = plans.get(product.default_plan);
  if (!defaultPlan) throw new Error('default_plan names no plan; the product file was not validated');
  /** Returns the default plan for one that is no longer configured. */
  const planOf = (name: string | undefined): Plan => (name === undefined ? undefined : plans.get(name)) ?? defaultPlan;
  return {
    sets,
    groups,
    scopeNames: new Set(groups.flatMap(({ scopes }) => scopes.map(({ name }) => name))),
    ...grants,
    requirementsOf: makeRequirementsOf(product, grants),
    policyRules: policyRulesOf(product.billing),
    planNames: [...plans.keys()] as [string, ...string[]],
    defaultPlan,
    /** The kinds of owners that keys can have, the default first. */
    keyOwners: product.api_keys.owners,
    keysPerUser: { limit: product.api_keys.keys_per_user, within: product.api_keys.keys_per_user_within },
    /** Returns when keys of an import expire; undefined: never; 0 for one that is no longer configured. */
    importEndMs: importEndsOf(product),
    /** Whether an expiry can be moved later. */
    extendsKeys: product.api_keys.expiry.extend,
    /** Whether the successor of a rotated key has its lifetime anew. */
    rotationRenews: product.api_keys.expiry.rotation === 'renew',
    /** The posture of an organization that WorkOS creates, until billing reports one. */
    firstPosture: product.first_posture && {
      status: product.first_posture.status,
      trialDays: product.first_posture.trial_days,
    },
    setLimitsOf: (name: string | undefined): SetLimits | undefined =>
      name === undefined ? undefined : setLimits.get(name),
    /** Keys of no set, or of one that is no longer configured, are revoked. */
    leakResponseOf: leakResponsesOf(product),
    /** The sets whose keys staff may create and revoke for organizations. */
    staffSets: product.permission_sets.filter(({ staff }) => staff).map(({ name }) => name),
    planOf,
    /** Returns an organization's plan, with the key limit that was set for it alone. */
    planFor: (tenant: { plan: string | undefined; keyLimit: number | undefined } | undefined): Plan => {
      const plan = planOf(tenant?.plan);
      return tenant?.keyLimit === undefined ? plan : { ...plan, keyLimit: tenant.keyLimit };
    },
  };
}

function setsOf({ permission_sets: sets }: Pick<Product, 'permission_sets'>): PermissionSet[] {
  return sets.map(({ name, description, scopes }) => ({ name, description, scopes }));
}

function importEndsOf({ imports }: Pick<Product, 'imports'>): (name: string) => number | undefined {
  const ends = new Map(
    imports.map(({ name, until }) => [name, until === undefined ? undefined : Date.parse(until)] as const),
  );
  return (name) => (ends.has(name) ? ends.get(name) : 0);
}

function leakResponsesOf({ permission_sets: sets }: Product) {
  return (name: string | undefined): LeakResponse => sets.find((set) => set.name === name)?.leak_response ?? 'revoke';
}

function toGroup({ group, description, scopes }: Product['scopes'][number]): ScopeGroup {
  return {
    group,
    description,
    scopes: scopes.map(({ implies = [], requires, ...scope }) => ({ ...scope, implies, requires })),
  };
}

function toPlan(plan: Product['plans'][number], expiry: Product['api_keys']['expiry']): Plan {
  const maxExpiryDays = shorter(numberOf(plan.max_expiry_days), daysOf(expiry.longest));
  return {
    name: plan.name,
    keyLimit: plan.key_limit,
    ciKeyLimit: plan.ci_key_limit,
    rate: rateOf(plan.rate_limit),
    maxRate: rateOf(plan.max_rate_limit ?? plan.rate_limit),
    concurrency: numberOf(plan.concurrency),
    maxConcurrency: numberOf(plan.max_concurrency ?? plan.concurrency),
    organizationRate: rateOf(plan.organization_rate_limit),
    permissionSets: plan.allowed_permission_sets && new Set(plan.allowed_permission_sets),
    maxExpiryDays,
    defaultExpiryDays: shorter(daysOf(expiry.default), maxExpiryDays),
  };
}

function shorter(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}

function rateOf(given: Parameters<typeof toRate>[0] | 'none' | undefined): RateLimit | undefined {
  return given === undefined || given === 'none' ? undefined : toRate(given);
}

function numberOf(given: number | 'none'): number | undefined {
  return given === 'none' ? undefined : given;
}
