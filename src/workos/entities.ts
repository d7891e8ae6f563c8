/** A key as WorkOS lists it and tells of it in events. */
export type WorkosKey = {
  id: string;
  organizationId: string;
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
  /** Who the organization is at Stripe. */
  stripeCustomerId: string | undefined;
  createdAt: Date;
  updatedAt: Date;
};
