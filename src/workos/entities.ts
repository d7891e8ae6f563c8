/** A key as WorkOS lists it and describes it in events. */
export type WorkosKey = {
  id: string;
  /** The organization of the live environment, also for a test key. */
  organizationId: string;
  environment: 'live' | 'test';
  /** The owner of a personal key; undefined for a key of the organization itself. */
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
  /** In the test environment: the id of the live organization that this one stands for. */
  externalId: string | undefined;
  /** The organization's customer id at Stripe. */
  stripeCustomerId: string | undefined;
  createdAt: Date;
  updatedAt: Date;
};

/** A person's membership of an organization. */
export type WorkosMember = {
  organizationId: string;
  userId: string;
  /** False while the invitation is pending. */
  active: boolean;
  /** Slugs, the primary one first. */
  roles: readonly string[];
  updatedAt: Date;
};

/** A role of one organization, or of all when `organizationId` is undefined. */
export type WorkosRole = {
  slug: string;
  organizationId: string | undefined;
  /** Undefined when WorkOS leaves them out. */
  permissions: readonly string[] | undefined;
  updatedAt: Date;
};

/** A person's session; `organizationId` is undefined while it is for none. */
export type WorkosSession = { id: string; userId: string; organizationId: string | undefined };
