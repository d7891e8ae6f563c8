import type { ConfiguredGrant } from './grants-repository.ts';
import type { Product } from '../product/product.ts';

export type Grants = ReturnType<typeof makeGrants>;

/** Computes what keys grant from what they were made with. */
export function makeGrants(product: Product) {
  const neverGranted: ReadonlySet<string> = new Set(product.never_granted);
  const scopesOfSet = new Map(product.permission_sets.map(({ name, scopes }): [string, string[]] => [name, scopes]));
  const implied = impliedBy(product);

  /** Returns the scopes of a set; none for an unknown set. */
  const scopesOf = (name: string): readonly string[] => scopesOfSet.get(name) ?? [];

  /** Returns these scopes and all that they imply. */
  function implying(scopes: Iterable<string>): Set<string> {
    const held = new Set(scopes);
    // A Set visits what is added during the iteration.
    for (const scope of held) for (const each of implied.get(scope) ?? []) held.add(each);
    return held;
  }

  /** Returns these scopes and all that they imply, without `never_granted`. */
  function expand(scopes: Iterable<string>): ReadonlySet<string> {
    const held = implying(scopes);
    for (const scope of neverGranted) held.delete(scope);
    return held;
  }

  /** Whether a key gets the current scopes of its set; none if the set is no longer configured. */
  const followsSet = (permissionSet: string | undefined): permissionSet is string =>
    product.follow_permission_sets && permissionSet !== undefined;

  /** Returns each set, and each scope that implies others, with the scopes that existing keys get from it. */
  function configuredGrants(): ConfiguredGrant[] {
    const followed = product.follow_permission_sets;
    const sets = [...scopesOfSet].map(([name, scopes]) => ({
      kind: 'permission_set' as const,
      name,
      scopes,
      followed,
    }));
    const scopes = [...implied.keys()].map((name) => ({
      kind: 'scope' as const,
      name,
      scopes: [...expand([name])].filter((each) => each !== name),
      followed: true,
    }));
    return [...sets, ...scopes];
  }

  /** Returns what a key grants: the scopes it was made with, or those of its set now, and all that they imply. */
  const grantedTo = (permissionSet: string | undefined, scopes: readonly string[]): ReadonlySet<string> =>
    expand(followsSet(permissionSet) ? scopesOf(permissionSet) : scopes);

  return {
    neverGranted,
    scopesOf,
    implying,
    configuredGrants,
    expand,
    followsSets: product.follow_permission_sets,
    followsSet,
    /** The scopes that can be chosen one by one; empty: keys are made from sets alone. */
    chosenScopes: product.chosen_scopes ?? [],
    grantedTo,
    /** Returns what a personal key grants: at most what its owner holds. */
    grantedToPerson: (set: string | undefined, scopes: readonly string[], held: readonly string[]) =>
      inBoth(grantedTo(set, scopes), implying(held)),
  };
}

function inBoth(some: Iterable<string>, others: ReadonlySet<string>): ReadonlySet<string> {
  return new Set([...some].filter((each) => others.has(each)));
}

function impliedBy({ scopes: groups }: Pick<Product, 'scopes'>): ReadonlyMap<string, readonly string[]> {
  const scopes = groups.flatMap((group) => group.scopes);
  return new Map(scopes.map(({ name, implies = [] }) => [name, implies]));
}
