import { createHash } from 'node:crypto';
import { join } from 'node:path';

const FIRST = 'Evershell';

/**
 * Returns the data folder of a product's demo: keys of one product mean nothing to another, so each has a sub-folder. The
 * default product has the data folder itself.
 */
export function folderOfProduct(folder: string, product: string): string {
  if (product === FIRST) return folder;
  const plain = product.toLowerCase();
  const isPlain = /^[a-z0-9_-]+$/.test(plain);
  return join(folder, `product-${isPlain ? plain : createHash('sha256').update(product).digest('hex').slice(0, 16)}`);
}

type Scope = { name: string; description: string; requires?: string | undefined };
type Product = {
  scopes: readonly { scopes: readonly Scope[] }[];
  never_granted: readonly string[];
  chosen_scopes?: readonly string[] | undefined;
  permission_sets: readonly { name: string }[];
  api_keys: { owners: readonly string[]; format?: { test?: string | undefined } | undefined };
};

/** Returns the product's scopes and kinds of keys for the local WorkOS, so that its demo users hold these scopes. */
export function demoProductOf(product: Product) {
  return {
    scopes: product.scopes.flatMap(({ scopes }) => scopes),
    neverGranted: product.never_granted,
    chosenScopes: product.chosen_scopes ?? [],
    personalKeys: product.api_keys.owners.includes('user'),
    required: product.scopes.flatMap(({ scopes }) => scopes.flatMap(({ requires }) => requires ?? [])),
  };
}

/** Returns a body for `POST /v1/api-keys` that creates a first key. */
export function firstKeyOf({ permission_sets: [set], chosen_scopes: [scope] = [] }: Product): object {
  const label = 'CI runner — staging';
  return set ? { label, permission_set: set.name } : { label, scopes: [scope] };
}

/** Whether the product has test keys, which need a second WorkOS environment. */
export function hasTestKeys({ api_keys: { format } }: Pick<Product, 'api_keys'>): boolean {
  return format?.test !== undefined;
}
