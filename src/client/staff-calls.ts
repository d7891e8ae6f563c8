import type { CreateApiKey, CreatedApiKey, KeyPage, ListApiKeys } from './key-shapes.ts';

import type { CallOptions, CreateOptions, Send } from './send.ts';
import type { OrganizationIpAllowList } from './shapes.ts';

/** What staff do for organizations, with a service token that has `staff:keys` or `staff:addresses`. */
export function staffOf(send: Send) {
  return {
    /** `staff_id`: the member of staff who acts, for the organization's audit log. */
    of(organizationId: string, staff: { staff_id?: string } = {}) {
      const path = `/v1/organizations/${encodeURIComponent(organizationId)}`;
      const keys = `${path}/api-keys`;
      const query = staff;
      return {
        /** Creates a key that the organization owns. Only this answer has its secret, in `value`. */
        create: (key: CreateApiKey, call?: CreateOptions) =>
          send<CreatedApiKey>('POST', keys, { ...call, query, body: key }),
        /** Lists the keys that staff may revoke, newest first unless sorted. */
        list: (filters?: Omit<ListApiKeys, 'owner' | 'count'>, call?: CallOptions) =>
          send<KeyPage>('GET', keys, { ...call, query: { ...filters, ...staff } }),
        revoke: (id: string, call?: CallOptions) =>
          send<{ status: 'revoked' }>('DELETE', `${keys}/${encodeURIComponent(id)}`, { ...call, query }),
        ipAllowList: (call?: CallOptions) =>
          send<OrganizationIpAllowList>('GET', `${path}/ip-allow-list`, { ...call, query }),
        /** Replaces the list. It need not hold your own address. */
        setIpAllowList: (list: readonly string[], call?: CallOptions) =>
          send<OrganizationIpAllowList>('PUT', `${path}/ip-allow-list`, {
            ...call,
            query,
            body: { ip_allow_list: list },
          }),
      };
    },
  };
}
