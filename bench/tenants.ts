import type { Seed } from '../src/emulator/seed.ts';

/** Work is spread over this many organizations, so that requests do not all wait for one tenant's row. */
const ORGANIZATIONS = 100;

export const ENVIRONMENT = { apiKey: 'sk_test_bench', clientId: 'client_bench' };
export const SERVICE_TOKEN = 'svc_latchkey_bench';
export const PERMISSIONS = ['workspace:read', 'audit:read'];

const names = Array.from({ length: ORGANIZATIONS }, (_, i) => `bench${i}`);

export const tenants = names.map((name) => ({
  organizationId: `org_${name}`,
  clientId: `client_ci_${name}`,
  secret: `secret_ci_${name}`,
}));

export const benchSeed: Seed = {
  environment: ENVIRONMENT,
  permissions: [...PERMISSIONS, 'apikeys:write'].map((slug) => ({ slug, name: slug })),
  organizations: tenants.map(({ organizationId }) => ({ id: organizationId, name: organizationId })),
  machineClients: tenants.map((tenant) => ({ ...tenant, scopes: ['apikeys:write'] })),
};
