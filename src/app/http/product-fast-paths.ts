import type { z } from 'zod';
import type { FastPath } from '../../http/fast-path/fast-path.ts';
import { OWN_FORM } from '../../http/envelope.ts';
import { successOf } from '../../http/route.ts';
import type { Route } from '../../http/route.ts';
import type { ApiOperation } from '../../product/api/api-rules.ts';
import type { Product } from '../../product/product.ts';
import type { CompiledApi } from '../../product-api/compile-api.ts';
import { presenter, segmentsOf } from '../../product-api/response-form.ts';
import type { ForwardForm } from '../../verification/fast-path/forward-fast-path.ts';
import { isLasting, makePresentedVerdict, preparedVerdict } from '../../verification/fast-path/prepared-verdict.ts';
import { makeRead } from '../../verification/fast-path/verify-form.ts';
import type { VerifyForm } from '../../verification/fast-path/verify-form.ts';
import { viewOfCaller } from '../../verification/forward/forward-auth-routes.ts';
import type { AskedKey } from '../../verification/question.ts';

type Deps = {
  product: Pick<Product, 'api'>;
  api: Pick<CompiledApi, 'ofProduct'> | undefined;
  verification: { verifyAt: (form: VerifyForm) => FastPath; forwardAt: (form: ForwardForm) => FastPath };
};

/** Makes the fast paths of the product's own API: verification and forward authentication, where it has them. */
export function makeProductFastPaths({ product, api, verification }: Deps): FastPath[] {
  const found = <F>(id: string, make: (route: Route, operation: ApiOperation) => F): F[] => {
    const [route, operation] = [api?.ofProduct.get(id), product.api?.operations[id]];
    return route && operation ? [make(route, operation)] : [];
  };
  return [
    ...found('verifyApiKey', verifyForm).map(verification.verifyAt),
    ...found('forwardAuth', forwardForm).map(verification.forwardAt),
  ];
}

function verifyForm(route: Route, { request, response, defaults }: ApiOperation): VerifyForm {
  const entries = Object.entries(request ?? { key: 'key' });
  const [keyName = ''] = entries.find(([, field]) => field === 'key') ?? [];
  return {
    path: route.path,
    method: route.method.toUpperCase(),
    status: successOf(route).status,
    read: makeRead(keyName, (sent) => oneKey(route.body!.safeParse(sent).data)),
    write: response ? makePresentedVerdict(segmentsOf(response, defaults, isLasting)) : preparedVerdict,
  };
}

/** A request for many keys is the route's. */
function oneKey(asked: unknown): z.output<typeof AskedKey> | undefined {
  const isOne = typeof asked === 'object' && asked !== null && 'key' in asked;
  return isOne ? (asked as z.output<typeof AskedKey>) : undefined;
}

function forwardForm(route: Route, { response, defaults }: ApiOperation): ForwardForm {
  const present = response && presenter(response, defaults);
  return {
    path: route.path,
    status: successOf(route).status,
    view: (record) => (present ? present(viewOfCaller(record), 'api_key') : viewOfCaller(record)),
    errorForm: route.errorForm ?? OWN_FORM,
  };
}
