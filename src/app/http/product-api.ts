import type { RequestHandler } from 'express';
import { StartError } from '../../errors.ts';
import type { Route } from '../../http/route.ts';
import type { Product } from '../../product/product.ts';
import type { ProductSource } from '../../product/read-product.ts';
import { compileApi } from '../../product-api/compile-api.ts';
import { allowPages } from '../../product-api/cors.ts';
import { guardHosts } from '../../product-api/organization-hosts.ts';
import type { TenantRepository } from '../../tenants/tenant-repository.ts';

type Deps = {
  product: Pick<Product, 'api' | 'organization_hosts'>;
  refuseProduct: ProductSource['refuseProduct'] | undefined;
  tenants: Pick<TenantRepository, 'find'>;
};

/** Paths of pages and of health, and of routes that other settings may add. */
const OWN_PLACES = ['/v1', '/docs', '/openapi.json', '/metrics', '/console', '/healthz', '/readyz'];

/** Returns the routes, which refuse credentials of another organization than the host names, where the product says so. */
export function withHosts(routes: readonly Route[], { product, tenants }: Omit<Deps, 'refuseProduct'>) {
  const nameOf = async (organizationId: string) => (await tenants.find(organizationId))?.name;
  return product.organization_hosts ? guardHosts(routes, product.organization_hosts, nameOf) : routes;
}

/** Compiles the product's own API, where the product has one. @throws StartError for one that does not fit */
export function makeProductApi({ product, refuseProduct }: Omit<Deps, 'tenants'>, own: readonly Route[]) {
  if (!product.api) return undefined;
  const { api } = product;
  const refusal = refuseProduct ?? withoutLines;
  const compiled = compileApi({ api, own, pages: OWN_PLACES, refusal });
  const pages: RequestHandler[] = api.cors ? [allowPages(api.cors, [...compiled.ofProduct.values()])] : [];
  return { ...compiled, pages };
}

const withoutLines: ProductSource['refuseProduct'] = (faults) =>
  new StartError(faults.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n'));
