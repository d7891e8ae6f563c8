import type { Product } from './product.ts';

export type Grants = ReturnType<typeof makeGrants>;

/** What keys may be used for, by what they were made with. */
export function makeGrants(product: Product) {
  const neverGranted: ReadonlySet<string> = new Set(product.never_granted);
  const scopesOfSet = new Map(product.permission_sets.map(({ name, scopes }): [string, string[]] => [name, scopes]));
  const implied = new Map(
    product.scopes.flatMap(({ scopes }) => scopes.map(({ name, implies = [] }): [string, string[]] => [name, implies])),
  );

  /** The scopes of a set; of none, when there is no such set. */
  const scopesOf = (name: string): readonly string[] => scopesOfSet.get(name) ?? [];

  /** The scopes with all that they imply, but for what is never granted. */
  function expand(scopes: Iterable<string>): ReadonlySet<string> {
    const held = new Set(scopes);
    // What is added is visited, too.
    for (const scope of held) for (const each of implied.get(scope) ?? []) held.add(each);
    for (const scope of neverGranted) held.delete(scope);
    return held;
  }

  return {
    neverGranted,
    scopesOf,
    expand,
    /** What a key may be made from one by one; empty: it is made from a set. */
    chosenScopes: product.chosen_scopes ?? [],
    /** What a key may be used for: what it was made with, or what its set says now, and all that this implies. */
    grantedTo: (permissionSet: string | undefined, scopes: readonly string[]): ReadonlySet<string> =>
      expand(product.follow_permission_sets && permissionSet !== undefined ? scopesOf(permissionSet) : scopes),
  };
}
