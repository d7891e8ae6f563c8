import type { FastPath } from '../../http/fast-path/fast-path.ts';
import { OWN_FORM } from '../../http/envelope.ts';
import { successOf } from '../../http/route.ts';
import type { Route } from '../../http/route.ts';
import type { Product } from '../../product/product.ts';
import type { KeyReadForm } from '../../verification/fast-path/key-read-fast-path.ts';

type Deps = {
  product: Pick<Product, 'api' | 'console'>;
  /** The mounted routes. */
  features: readonly Route[];
  verification: { readAt: (form: KeyReadForm) => FastPath };
};

/** Makes the fast paths of the routes that answer API keys from memory. */
export function makeKeyReadFastPaths({ product, features, verification }: Deps): FastPath[] {
  return features.flatMap((route) => {
    const form = formOf(route, product);
    return form ? [verification.readAt(form)] : [];
  });
}

/** Returns undefined for a route that asks more of its callers than the fast path judges. */
function formOf({ fromMemory, access, ...route }: Route, product: Deps['product']): KeyReadForm | undefined {
  if (!fromMemory || access.kind !== 'tenant' || access.scope.length > 0 || !access.callers.includes('api_key'))
    return undefined;
  if (route.method !== 'get' || route.cookieOnly || route.assertHost) return undefined;
  const { status, schema } = successOf(route);
  const view: KeyReadForm['view'] = (caller, ip) => schema.parse(fromMemory(caller, ip));
  const { errorForm = OWN_FORM } = route;
  const origins = errorForm === OWN_FORM ? product.console.element_origins : product.api?.cors?.origins;
  const isForPages = (origins?.length ?? 0) > 0;
  return { path: route.path, status, billing: access.billing, view, errorForm, isForPages };
}
