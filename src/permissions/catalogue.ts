import type { Product } from './product.ts';

export type PermissionSet = { name: string; description: string; scopes: readonly string[] };
export type ScopeGroup = {
  group: string;
  description: string | undefined;
  scopes: readonly { name: string; description: string }[];
};
export type Plan = { name: string; keyLimit: number };
export type Catalogue = ReturnType<typeof makeCatalogue>;

/** What a product's keys may be, as the features ask for it. */
export function makeCatalogue(product: Product) {
  const sets: PermissionSet[] = product.permission_sets;
  const groups: ScopeGroup[] = product.scopes.map(({ group, description, scopes }) => ({ group, description, scopes }));
  const plans = new Map(
    product.plans.map(({ name, key_limit }): [string, Plan] => [name, { name, keyLimit: key_limit }]),
  );
  const defaultPlan = plans.get(product.default_plan);
  if (!defaultPlan) throw new Error('the product file was not checked');
  return {
    sets,
    groups,
    neverGranted: new Set(product.never_granted),
    planNames: [...plans.keys()] as [string, ...string[]],
    defaultPlan,
    /** What an organization gets when WorkOS makes it, before billing has said anything. */
    firstPosture: product.first_posture && {
      status: product.first_posture.status,
      trialDays: product.first_posture.trial_days,
    },
    /** The scopes of a set; of none, when there is no such set. */
    scopesOf: (name: string): readonly string[] => sets.find((set) => set.name === name)?.scopes ?? [],
    /** A plan that is no longer configured counts as the default one. */
    planOf: (name: string | undefined): Plan => (name === undefined ? undefined : plans.get(name)) ?? defaultPlan,
  };
}
