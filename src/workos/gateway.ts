/** A key as WorkOS issues it: the only time that its secret is seen. */
export type IssuedKey = { id: string; value: string; obfuscatedValue: string };

export type NewOrganizationKey = {
  organizationId: string;
  name: string;
  permissions: readonly string[];
  expiresAt: Date | undefined;
};

export type WorkosUser = { id: string; email: string };
export type WorkosMembership = { organizationId: string; organizationName: string; role: string };

/**
 * What Latchkey asks of WorkOS. Every call has a deadline and is tried once; each throws `WorkosFailure`, which says
 * whether the work may have been done.
 */
export type WorkosGateway = {
  createOrganizationKey(key: NewOrganizationKey): Promise<IssuedKey>;
  /** Deletes a key. One that WorkOS does not have counts as deleted. */
  deleteKey(workosId: string): Promise<void>;
  getUser(userId: string): Promise<WorkosUser>;
  /** The person's active memberships, at most 100. */
  listMemberships(userId: string): Promise<WorkosMembership[]>;
  /** The access token inside a sealed AuthKit session; `undefined` when it was not sealed with our password. */
  unsealSession(sealed: string): Promise<string | undefined>;
  /** Whether WorkOS answers at all. */
  isReachable(): Promise<boolean>;
};
