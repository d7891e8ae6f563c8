import type { Seed } from '../src/emulator/seed.ts';

/** Work is spread over this many organizations, so that requests do not all wait for one tenant's row. */
const ORGANIZATIONS = 100;

export const ENVIRONMENT = { apiKey: 'sk_test_bench', clientId: 'client_bench' };
export const SERVICE_TOKEN = 'svc_latchkey_bench';
export const PERMISSIONS = ['workspace:read', 'audit:read'];

const names = Array.from({ length: ORGANIZATIONS }, (_, i) => `bench${i}`);

type Tenant = (typeof tenants)[number];

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

/** Returns an access token of an organization's machine client. */
export async function machineToken(workosUrl: string, { clientId, secret }: Tenant): Promise<string> {
  const response = await fetch(`${workosUrl}/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId, client_secret: secret }),
  });
  return ((await response.json()) as { access_token: string }).access_token;
}
