import type { Route } from '../http/route.ts';
import type { Report } from './report.ts';

type Operation = { id: string; route: Pick<Route, 'path' | 'method' | 'access'> };
type Given = {
  basePath: string;
  ofProduct: readonly Operation[];
  /** Paths of Latchkey's own routes and pages. */
  taken: readonly string[];
};

/** Refuses a base path among Latchkey's own paths, and two operations that answer the same request. */
export function checkPaths({ basePath, ofProduct, taken }: Given, report: Report): void {
  const own = taken.find((path) => isBelow(path, basePath) || isBelow(basePath, path));
  if (own !== undefined) report(['base_path'], `shadows '${own}', which is Latchkey's own`);
  for (const [i, { id, route }] of ofProduct.entries()) {
    const other = ofProduct.slice(0, i).find((each) => areSame(each.route, route));
    if (other) report(['operations', id, 'path'], `is answered by ${other.id} already`);
  }
}

function isBelow(path: string, base: string): boolean {
  return path === base || path.startsWith(`${base}/`);
}

type Place = Operation['route'];

/** Whether a request may be for either. A proxied route takes any method. */
function areSame(one: Place, other: Place): boolean {
  const anyMethod = one.access.kind === 'forwarded' || other.access.kind === 'forwarded';
  return (anyMethod || one.method === other.method) && patternOf(one.path) === patternOf(other.path);
}

/** Names of parameters do not distinguish paths. */
function patternOf(path: string): string {
  return path.replaceAll(/\{\w+\}/g, '{}');
}
