import { createHash } from 'node:crypto';
import { join } from 'node:path';

const FIRST = 'Evershell';

/**
 * Where the demo of a product is kept: keys of one product mean nothing to another, so each has a folder of its own in
 * the data folder. The one that is configured where no other is has the data folder itself.
 */
export function folderOfProduct(folder: string, product: string): string {
  if (product === FIRST) return folder;
  const plain = product.toLowerCase();
  const isPlain = /^[a-z0-9_-]+$/.test(plain);
  return join(folder, `product-${isPlain ? plain : createHash('sha256').update(product).digest('hex').slice(0, 16)}`);
}

type Product = {
  scopes: readonly { scopes: readonly { name: string; description: string }[] }[];
  never_granted: readonly string[];
  chosen_scopes?: readonly string[] | undefined;
  permission_sets: readonly { name: string }[];
  api_keys: { owners: readonly string[]; format?: { test?: string | undefined } | undefined };
};

/** What the local WorkOS needs to know of the product, so that its demo people hold the product's scopes. */
export function demoProductOf(product: Product) {
  return {
    scopes: product.scopes.flatMap(({ scopes }) => scopes),
    neverGranted: product.never_granted,
    chosenScopes: product.chosen_scopes ?? [],
    personalKeys: product.api_keys.owners.includes('user'),
  };
}

/** A first key of the product, as `POST /v1/api-keys` takes it. */
export function firstKeyOf({ permission_sets: [set], chosen_scopes: [scope] = [] }: Product): object {
  const label = 'CI runner — staging';
  return set ? { label, permission_set: set.name } : { label, scopes: [scope] };
}

/** Whether the product has keys for tests, which are of another WorkOS environment. */
export function hasTestKeys({ api_keys: { format } }: Pick<Product, 'api_keys'>): boolean {
  return format?.test !== undefined;
}
