import type { RequestHandler } from 'express';
import { StartError } from '../../errors.ts';
import type { Route } from '../../http/route.ts';
import type { Product } from '../../product/product.ts';
import type { ProductSource } from '../../product/read-product.ts';
import { compileApi } from '../../product-api/compile-api.ts';
import { allowPages } from '../../product-api/cors.ts';
import { hostGuard } from '../../product-api/organization-hosts.ts';
import type { TenantRepository } from '../../tenants/tenant-repository.ts';

type Deps = {
  product: Pick<Product, 'api'>;
  refuseProduct: ProductSource['refuseProduct'] | undefined;
  tenants: Pick<TenantRepository, 'find'>;
};

/** Paths of pages and of health, and of routes that other settings may add. */
const OWN_PLACES = ['/v1', '/docs', '/openapi.json', '/metrics', '/console', '/healthz', '/readyz'];

/** Compiles the product's own API, where the product has one. @throws StartError for one that does not fit */
export function makeProductApi({ product, refuseProduct, tenants }: Deps, own: readonly Route[]) {
  if (!product.api) return undefined;
  const { api } = product;
  const nameOf = async (organizationId: string) => (await tenants.find(organizationId))?.name;
  const assertHost = api.organization_hosts && hostGuard(api.organization_hosts, nameOf);
  const refusal = refuseProduct ?? withoutLines;
  const compiled = compileApi({ api, own, pages: OWN_PLACES, assertHost, refusal });
  const pages: RequestHandler[] = api.cors ? [allowPages(api.cors, [...compiled.ofProduct.values()])] : [];
  return { ...compiled, pages };
}

const withoutLines: ProductSource['refuseProduct'] = (faults) =>
  new StartError(faults.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n'));
