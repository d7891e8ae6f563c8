import type { ListApiKeys, Product } from '../../client/client.ts';
import type { May } from '../data/may.ts';
import type { Query } from '../data/location.ts';

const DAY_MS = 86_400_000;
export const STATUSES = ['active', 'suspended', 'expired', 'revoked', 'all'] as const;
export const SORTS = ['-created_at', 'created_at', 'label', 'expires_at'] as const;
export const ENDING_DAYS = 30;

/** What makes the list show less than all active keys. */
export const FILTERS = ['q', 'status', 'permission_set', 'owner', 'origin', 'ending'];

type Facts = { product: Pick<Product, 'environments' | 'owners'>; may: Pick<May, 'readAll'> };

/** Facts with which the list is asked for while the true ones are on their way; most often these lead to the same. */
export const ASSUMED_FACTS: Facts = {
  product: { environments: ['live', 'test'], owners: ['organization', 'user'] },
  may: { readAll: true },
};

/** What the address asks the list for. Unknown values count as none. */
export function readKeysQuery(query: Query, { product, may }: Facts): ListApiKeys {
  const status = oneOf(STATUSES, query['status']) ?? 'active';
  const environment = oneOf(product.environments, query['environment']) ?? product.environments[0];
  return {
    q: query['q']?.trim() || undefined,
    status: status === 'all' ? undefined : status,
    sort: oneOf(SORTS, query['sort']) ?? '-created_at',
    permission_set: query['permission_set'] || undefined,
    owner: readOwner(query, { product, may }),
    environment,
    origin: query['origin'] === 'ci' ? 'ci' : undefined,
    expires_before: query['ending'] === '1' ? endOfDays(ENDING_DAYS) : undefined,
  };
}

/** Whether the address asks for less than all active keys. */
export function isFiltered(query: Query): boolean {
  return FILTERS.some((name) => (query[name] ?? '') !== '');
}

/** The server gives people who may not read all keys their own. */
function readOwner(query: Query, { product, may }: Facts): ListApiKeys['owner'] {
  return may.readAll && product.owners.length > 1
    ? oneOf(['me', 'organization', 'user'] as const, query['owner'])
    : undefined;
}

/** Rounded to a day, so that the same address asks the same question. */
function endOfDays(days: number): string {
  return new Date(Math.ceil(Date.now() / DAY_MS + days) * DAY_MS).toISOString();
}

function oneOf<T extends string>(values: readonly T[], value: string | undefined): T | undefined {
  return values.find((each) => each === value);
}
