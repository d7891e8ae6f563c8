import type { ConfiguredGrant } from './grants-repository.ts';
import type { Product } from '../product/product.ts';

export type Grants = ReturnType<typeof makeGrants>;

/** What keys may be used for, by what they were made with. */
export function makeGrants(product: Product) {
  const neverGranted: ReadonlySet<string> = new Set(product.never_granted);
  const scopesOfSet = new Map(product.permission_sets.map(({ name, scopes }): [string, string[]] => [name, scopes]));
  const implied = impliedBy(product);

  /** The scopes of a set; of none, when there is no such set. */
  const scopesOf = (name: string): readonly string[] => scopesOfSet.get(name) ?? [];

  /** What whoever holds these scopes holds: they, and all that they imply. */
  function implying(scopes: Iterable<string>): Set<string> {
    const held = new Set(scopes);
    // What is added is visited, too.
    for (const scope of held) for (const each of implied.get(scope) ?? []) held.add(each);
    return held;
  }

  /** The same of a key, which never holds what is never granted. */
  function expand(scopes: Iterable<string>): ReadonlySet<string> {
    const held = implying(scopes);
    for (const scope of neverGranted) held.delete(scope);
    return held;
  }

  /** Whether a key gets what its set says now; of a set that is no longer configured it gets nothing. */
  const followsSet = (permissionSet: string | undefined): permissionSet is string =>
    product.follow_permission_sets && permissionSet !== undefined;

  /** What the configuration gives keys that exist: each set, and each scope that implies others. */
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

  /** What a key may be used for: what it was made with, or what its set says now, and what this implies. */
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
    /** What a key may be made from one by one; empty: it is made from a set. */
    chosenScopes: product.chosen_scopes ?? [],
    grantedTo,
    /** The same of a person's key, which grants nothing that the person does not hold. */
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
