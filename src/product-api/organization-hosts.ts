import { AppError } from '../errors.ts';
import type { Route } from '../http/route.ts';
import type { HostRules } from '../product/api/api-rules.ts';

/** Returns an organization's name; undefined if it has none. */
type NameOf = (organizationId: string) => Promise<string | undefined>;

const PLACEHOLDER = '{organization}';

/** Makes the routes for callers of an organization refuse those of another organization than the host names. */
export function guardHosts(routes: readonly Route[], rules: HostRules, nameOf: NameOf): Route[] {
  const assertHost = hostGuard(rules, nameOf);
  return routes.map((route) => (route.access.kind === 'tenant' ? { ...route, assertHost } : route));
}

/** Refuses a caller of another organization than the one that the host names. A host that names none admits all. */
function hostGuard({ pattern, others, label }: HostRules, nameOf: NameOf): NonNullable<Route['assertHost']> {
  const domain = pattern.slice(PLACEHOLDER.length);
  const labelOf = async (organizationId: string) =>
    label === 'id' ? organizationId.toLowerCase() : asLabel((await nameOf(organizationId)) ?? '');

  return async function assertHost(hostname, { organizationId }) {
    const host = hostname.toLowerCase();
    if (!host.endsWith(domain) || others.includes(host)) return;
    const named = host.slice(0, -domain.length);
    if (named !== '' && named === (await labelOf(organizationId))) return;
    throw new AppError('permission_denied', 'The credential belongs to another organization than this host.');
  };
}

/** Returns a name as a label of a host: in lower case, with `-` for all but letters and digits. */
export function asLabel(name: string): string {
  return name
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
}
