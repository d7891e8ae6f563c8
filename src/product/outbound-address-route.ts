import { z } from 'zod';
import { normalizeRanges } from '../ip/ip-range.ts';
import { publicRoute } from '../http/route.ts';
import type { Route } from '../http/route.ts';
import type { Product } from './product.ts';

const CACHE = 'public, max-age=300';

const OutboundAddresses = z
  .object({ data: z.array(z.object({ address: z.string(), description: z.string().nullable() })) })
  .meta({ id: 'OutboundAddresses' });

/** Publishes the configured addresses from which the product calls its customers. */
export function outboundAddressRoute({ outbound_addresses: addresses }: Pick<Product, 'outbound_addresses'>): Route {
  const data = addresses.map(({ address, description }) => ({
    address: normalizeRanges([address])[0] ?? address,
    description: description ?? null,
  }));
  return publicRoute({
    operationId: 'listOutboundAddresses',
    method: 'get',
    path: '/v1/outbound-addresses',
    tag: 'Permissions',
    summary: 'List the addresses that the product calls its customers from',
    description: 'For allow lists of customers’ firewalls. Needs no credential.',
    responses: { 200: OutboundAddresses },
    errors: [],
    handle({ context }) {
      context.setHeader('cache-control', CACHE);
      return Promise.resolve({ data });
    },
  });
}
