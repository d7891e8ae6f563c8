/** A key as WorkOS lists it and tells of it in events. */
export type WorkosKey = {
  id: string;
  /** Ours, also of a key of the test environment. */
  organizationId: string;
  environment: 'live' | 'test';
  /** The person it belongs to, for a key that is not the organization's own. */
  userId: string | undefined;
  name: string;
  obfuscatedValue: string;
  permissions: readonly string[];
  expiresAt: Date | undefined;
  createdAt: Date;
  updatedAt: Date;
};

export type WorkosOrganization = {
  id: string;
  name: string;
  /** Whose it is elsewhere; in the test environment our organization's id. */
  externalId: string | undefined;
  /** Who the organization is at Stripe. */
  stripeCustomerId: string | undefined;
  createdAt: Date;
  updatedAt: Date;
};

/** A person's place in an organization. */
export type WorkosMember = {
  organizationId: string;
  userId: string;
  /** One that waits for an invitation to be taken is not. */
  active: boolean;
  /** Slugs, the primary one first. */
  roles: readonly string[];
  updatedAt: Date;
};

/** A role of every organization, or of one. */
export type WorkosRole = {
  slug: string;
  organizationId: string | undefined;
  /** What it grants; undefined when WorkOS does not say. */
  permissions: readonly string[] | undefined;
  updatedAt: Date;
};

/** A person's session; without an organization while they are in none. */
export type WorkosSession = { id: string; userId: string; organizationId: string | undefined };
