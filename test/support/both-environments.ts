import { call, createKey } from './api.ts';
import { atWorkos } from './at-workos.ts';
import { SERVICE_TOKEN } from './service.ts';
import type { Service } from './service.ts';

type Current = { acme: { id: string }; owner: string };
export type TestOrganization = { id: string; name: string; external_id: string };

/** The prefixes of keys in each environment. */
export const FORMS = {
  api_keys: { prefixes: ['sk_'], format: { live: 'msk_live_', test: 'msk_test_', checksum: true } },
};

/** Helpers for tests of both environments, in the organization of the current test. */
export function inBothEnvironments(
  service: Service,
  testing: Pick<Service, 'workos'>,
  /** The organization of the current test, and its owner's token. */
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
    /** Clears faults after each test. */
    clearFaults(): void {
      service.workos.faults.clear();
      testing.workos.faults.clear();
    },
  };
}
