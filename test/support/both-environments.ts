import { call, createKey } from './api.ts';
import { atWorkos } from './at-workos.ts';
import { SERVICE_TOKEN } from './service.ts';
import type { Service } from './service.ts';

type Current = { acme: { id: string }; owner: string };
export type TestOrganization = { id: string; name: string; external_id: string };

/** Keys that have forms of their own in either environment. */
export const FORMS = {
  api_keys: { prefixes: ['sk_'], format: { live: 'msk_live_', test: 'msk_test_', checksum: true } },
};

/** What tests of both environments do, in whatever organization is the current one's. */
export function inBothEnvironments(
  service: Service,
  testing: Pick<Service, 'workos'>,
  /** The organization that a test is about, and the token of its owner. */
  current: () => Current,
) {
  const testOrganizations = async () =>
    (await atWorkos<{ data: TestOrganization[] }>(testing, 'GET', '/organizations?limit=100')).data.filter(
      ({ external_id: id }) => id === current().acme.id,
    );
  return {
    create: (body: object = {}, token = current().owner) =>
      call(service, 'POST', '/v1/api-keys', { token, body: { label: 'a key', permission_set: 'read_only', ...body } }),
    newTestKey: (body: object = {}) => createKey(service, current().owner, { environment: 'test', ...body }),
    verify: async (key: string, asked: object = {}) =>
      (await call(service, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body: { key, ...asked } })).body,
    testOrganizations,
    testOrganization: async () => (await testOrganizations())[0]!,
    rowOf: (id: string) => service.db('api_keys').where({ workos_id: id }).first(),
    /** So that no test leaves a fault to the next. */
    clearFaults(): void {
      service.workos.faults.clear();
      testing.workos.faults.clear();
    },
  };
}
