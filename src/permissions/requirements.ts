import type { Product } from '../product/product.ts';
import type { Grants } from './grants.ts';

/** A scope, and the entry of an organization's metadata that has to be there before a key gets it. */
export type Requirement = { scope: string; requires: string };

/** Makes what returns which of some scopes, and of those that they imply, require something. */
export function makeRequirementsOf({ scopes: groups }: Pick<Product, 'scopes'>, { expand }: Pick<Grants, 'expand'>) {
  const all = groups.flatMap(({ scopes }) =>
    scopes.flatMap(({ name, requires }): Requirement[] => (requires === undefined ? [] : [{ scope: name, requires }])),
  );
  return (scopes: Iterable<string>): Requirement[] => {
    const held = expand(scopes);
    return all.filter(({ scope }) => held.has(scope));
  };
}
