import type { ErrorForm } from '../http/envelope.ts';
import type { Route } from '../http/route.ts';
import type { ApiRules } from '../product/api/api-rules.ts';
import type { FieldFault } from '../product/read-product.ts';
import { checkPaths } from './check-paths.ts';
import { compileOperation } from './compile-operation.ts';
import { makeErrorForm } from './error-form.ts';
import { within } from './report.ts';
import type { Report } from './report.ts';

type Given = {
  api: ApiRules;
  /** Latchkey's own routes of all features. */
  own: readonly Route[];
  /** Paths of health and pages. */
  pages: readonly string[];
  /** Returns the error of a start that names the faults. */
  refusal: (faults: readonly FieldFault[]) => Error;
};

export type CompiledApi = {
  /** The product's routes, and those of Latchkey's that stay. */
  routes: Route[];
  /** The product's routes alone, by Latchkey's operationId. */
  ofProduct: ReadonlyMap<string, Route>;
  errorForm: { below: string; form: ErrorForm };
};

/**
 * Compiles the product's API into routes.
 * @throws StartError that names each operation that does not fit Latchkey's own, with its line
 */
export function compileApi({ api, own, pages, refusal }: Given): CompiledApi {
  const faults: FieldFault[] = [];
  const report: Report = (path, message) => faults.push({ path: ['api', ...path], message });
  const { base_path: basePath } = api;
  const form = makeErrorForm(api);
  const byId = new Map(own.map((route) => [route.operationId, route]));
  const ofProduct = Object.entries(api.operations).flatMap(([id, operation]) => {
    const route = byId.get(id);
    const here = within(report, 'operations', id);
    if (!route) here([], `'${id}' is no operation of Latchkey with this configuration`);
    else if (route.access.kind === 'signed') here([], 'is a webhook, whose sender needs its own path');
    else return [{ id, route: compileOperation({ basePath, own: route, operation, errorForm: form }, here) }];
    return [];
  });
  checkPaths({ basePath, ofProduct, taken: [...own.map(({ path }) => path), ...pages] }, report);
  if (faults.length > 0) throw refusal(faults);
  const byOperation = new Map(ofProduct.map(({ id, route }) => [id, route]));
  return {
    // Express asks one route after the other: the product's customers are not to wait behind Latchkey's.
    routes: [...byOperation.values(), ...stayingOf(own, api.keep_v1)],
    ofProduct: byOperation,
    errorForm: { below: basePath, form },
  };
}

function stayingOf(own: readonly Route[], kept: ApiRules['keep_v1']): readonly Route[] {
  if (kept === true) return own;
  return own.flatMap((route) => {
    if (staysAlways(route)) return [route];
    return kept === 'console' ? [{ ...route, cookieOnly: true as const }] : [];
  });
}

/** Whether a route is for the product's own services, proxies or webhooks. */
function staysAlways({ access }: Route): boolean {
  return access.kind === 'service' || access.kind === 'forwarded' || access.kind === 'signed';
}
