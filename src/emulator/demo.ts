import { EVERSHELL, demoPermissions } from './demo-permissions.ts';
import type { DemoProduct } from './demo-permissions.ts';
import type { Seed } from './seed.ts';

const NAMES = ['acme', 'globex', 'hooli', 'initech', 'umbrella'] as const;
const ROLES = ['owner', 'operator', 'member'] as const;
type DemoRole = (typeof ROLES)[number];

/** Fixed values that tutorials, scripts and tests rely on. */
export const DEMO = {
  apiKey: 'sk_test_latchkey',
  clientId: 'client_latchkey',
  /** The environment of test keys, where a product has them. */
  test: { apiKey: 'sk_test_latchkey_test', clientId: 'client_latchkey_test' },
  password: 'latchkey-demo',
  names: NAMES,
  roles: ROLES,
  organizationId: (name: string) => `org_${name}`,
  userId: (name: string, role: DemoRole) => `user_${name}_${role}`,
  membershipId: (name: string, role: DemoRole) => `om_${name}_${role}`,
  email: (name: string, role: DemoRole) => `${role}@${name}.test`,
  machineClientId: (name: string) => `client_ci_${name}`,
  machineClientSecret: (name: string) => `secret_ci_${name}`,
} as const;

const title = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Returns a product's demo: five organizations, each with three people and one machine client. */
export const demoSeedOf = (product: DemoProduct): Seed => ({
  environment: { apiKey: DEMO.apiKey, clientId: DEMO.clientId },
  ...demoPermissions(product),
  organizations: NAMES.map((name) => ({
    id: DEMO.organizationId(name),
    name: title(name),
    metadata: Object.fromEntries(product.required.map((entry) => [entry, `${entry}_demo`])),
  })),
  people: NAMES.flatMap((name) =>
    ROLES.map((role) => ({
      id: DEMO.userId(name, role),
      email: DEMO.email(name, role),
      password: DEMO.password,
      firstName: title(role),
      lastName: title(name),
    })),
  ),
  memberships: NAMES.flatMap((name) =>
    ROLES.map((role) => ({
      id: DEMO.membershipId(name, role),
      userId: DEMO.userId(name, role),
      organizationId: DEMO.organizationId(name),
      role,
    })),
  ),
  machineClients: NAMES.map((name) => ({
    clientId: DEMO.machineClientId(name),
    secret: DEMO.machineClientSecret(name),
    organizationId: DEMO.organizationId(name),
    name: `CI of ${title(name)}`,
    scopes: ['apikeys:read', 'apikeys:write', 'audit:read', ...product.chosenScopes],
  })),
});

/** Returns the environment of the product's test keys: its permissions, without people. */
export const demoTestSeedOf = (product: DemoProduct): Seed => ({
  environment: { ...DEMO.test },
  ...demoPermissions(product),
});

/** The demo of Evershell, the default product. */
export const demoSeed: Seed = demoSeedOf(EVERSHELL);
