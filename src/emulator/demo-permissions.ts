import type { CompleteSeed } from './seed.ts';

/** The parts of a product that its demo needs. */
export type DemoProduct = {
  scopes: readonly { name: string; description: string }[];
  /** Scopes that no API key may hold. */
  neverGranted: readonly string[];
  /** Scopes that keys are made from one by one; the creator of a key must hold them. */
  chosenScopes: readonly string[];
  /** Whether people may have keys of their own. */
  personalKeys: boolean;
  /** Entries of an organization's metadata that scopes require. */
  required: readonly string[];
};

/** Scopes that trying the API needs; a product need not list them. */
const KEY_SCOPES = [
  { name: 'apikeys:read', description: 'See the API keys of the organization.' },
  { name: 'apikeys:write', description: 'Create, change and revoke API keys.' },
  { name: 'audit:read', description: 'See who did what, and when.' },
];
const OWN_KEY_SCOPES = [
  { name: 'apikeys:read:own', description: "See one's own API keys." },
  { name: 'apikeys:write:own', description: "Create, change and revoke one's own API keys." },
];

// WorkOS's limits.
const MAX_NAME = 48;
const MAX_DESCRIPTION = 150;

const PEOPLE_AND_MONEY = /^(?:members|billing)[.:]/;
const KEYS_AND_RECORD = /^(?:apikeys|audit)[.:]/;
const READS = /[.:]read$/;
const OWN = /:own$/;
const MANAGES = /[.:]manage$/;

/**
 * Returns the permissions and roles of a product's demo. Owners hold all scopes; operators all but those for people and
 * money; members those that read the product, those for their own things, and, where they choose scopes for keys
 * of their own, those that do not manage.
 */
export function demoPermissions(
  product: DemoProduct,
): Pick<CompleteSeed, 'permissions' | 'roles' | 'apiKeyPermissions'> {
  const known = new Set(product.scopes.map(({ name }) => name));
  const needed = product.personalKeys ? [...KEY_SCOPES, ...OWN_KEY_SCOPES] : KEY_SCOPES;
  const scopes = [...product.scopes, ...needed.filter(({ name }) => !known.has(name))];
  const slugs = scopes.map(({ name }) => name);
  const grantable = slugs.filter((slug) => known.has(slug) && !product.neverGranted.includes(slug));
  const chosenByPeople = new Set(
    product.personalKeys ? product.chosenScopes.filter((slug) => !MANAGES.test(slug)) : [],
  );
  return {
    permissions: scopes.map(({ name, description }) => ({
      slug: name,
      name: name.slice(0, MAX_NAME),
      description: description.slice(0, MAX_DESCRIPTION),
    })),
    roles: [
      { slug: 'owner', name: 'Owner', permissions: slugs },
      { slug: 'operator', name: 'Operator', permissions: slugs.filter((slug) => !PEOPLE_AND_MONEY.test(slug)) },
      {
        slug: 'member',
        name: 'Member',
        permissions: slugs.filter((slug) => isForMembers(slug) || chosenByPeople.has(slug)),
      },
    ],
    apiKeyPermissions: { organization: grantable, user: grantable },
  };
}

function isForMembers(slug: string): boolean {
  return OWN.test(slug) || (READS.test(slug) && !KEYS_AND_RECORD.test(slug));
}

/** The default product. */
export const EVERSHELL: DemoProduct = {
  scopes: [
    { name: 'workspace:read', description: 'See workspaces and what is in them.' },
    { name: 'workspace:write', description: 'Create, change and archive any workspace.' },
    { name: 'workspace:write:own', description: 'Create workspaces and change those the caller created.' },
    { name: 'apikeys:read', description: 'See the API keys of the organization.' },
    { name: 'apikeys:write', description: 'Create, change and revoke API keys.' },
    { name: 'audit:read', description: 'See who did what, and when.' },
    { name: 'billing:write', description: 'Change the plan and the means of payment.' },
    { name: 'caps:write', description: 'Set spending and usage caps.' },
    { name: 'members:write', description: 'Invite people, change their roles, remove them.' },
    { name: 'tasks:write', description: 'Submit and cancel any task.' },
    { name: 'tasks:write:own', description: 'Submit tasks and cancel those the caller submitted.' },
  ],
  neverGranted: ['members:write', 'billing:write', 'apikeys:write'],
  chosenScopes: [],
  personalKeys: false,
  required: [],
};
