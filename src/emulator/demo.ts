import type { Seed } from './seed.ts';

const NAMES = ['acme', 'globex', 'hooli', 'initech', 'umbrella'] as const;
const ROLES = ['owner', 'operator', 'member'] as const;
type DemoRole = (typeof ROLES)[number];

/** Fixed values that a first try, a script or a test may rely on. */
export const DEMO = {
  apiKey: 'sk_test_latchkey',
  clientId: 'client_latchkey',
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

const PERMISSIONS = [
  { slug: 'apikeys:read', name: 'Read API keys', description: 'See the API keys of the organization.' },
  { slug: 'apikeys:write', name: 'Manage API keys', description: 'Create, change and revoke API keys.' },
  { slug: 'audit:read', name: 'Read the audit trail', description: 'See who did what, and when.' },
  { slug: 'billing:write', name: 'Manage billing', description: 'Change the plan and the means of payment.' },
  { slug: 'caps:write', name: 'Manage caps', description: 'Set spending and usage caps.' },
  { slug: 'members:write', name: 'Manage members', description: 'Invite people, change their roles, remove them.' },
  { slug: 'tasks:write', name: 'Manage tasks', description: 'Submit and cancel any task.' },
  {
    slug: 'tasks:write:own',
    name: 'Manage own tasks',
    description: 'Submit tasks and cancel those the caller submitted.',
  },
  { slug: 'workspace:read', name: 'Read workspaces', description: 'See workspaces and what is in them.' },
  { slug: 'workspace:write', name: 'Manage workspaces', description: 'Create, change and archive any workspace.' },
  {
    slug: 'workspace:write:own',
    name: 'Manage own workspaces',
    description: 'Create workspaces and change those the caller created.',
  },
] as const;

const SLUGS = PERMISSIONS.map(({ slug }) => slug);
const without = (...left: readonly string[]): string[] => SLUGS.filter((slug) => !left.includes(slug));
const GRANTABLE_TO_KEYS = without('members:write', 'billing:write', 'apikeys:write');
const title = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Five organizations of the product Evershell, each with three people and one machine client. */
export const demoSeed: Seed = {
  environment: { apiKey: DEMO.apiKey, clientId: DEMO.clientId },
  permissions: PERMISSIONS.map((permission) => ({ ...permission })),
  roles: [
    { slug: 'owner', name: 'Owner', permissions: [...SLUGS] },
    { slug: 'operator', name: 'Operator', permissions: without('members:write', 'billing:write') },
    { slug: 'member', name: 'Member', permissions: ['workspace:read', 'workspace:write:own', 'tasks:write:own'] },
  ],
  apiKeyPermissions: { organization: GRANTABLE_TO_KEYS, user: GRANTABLE_TO_KEYS },
  organizations: NAMES.map((name) => ({ id: DEMO.organizationId(name), name: title(name) })),
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
    scopes: ['apikeys:read', 'apikeys:write', 'audit:read'],
  })),
};
