import type { Environment } from '../../api-keys/key.ts';
import type { Conditions } from '../conditions/condition.ts';

export const ISSUES = ['api_key', 'session'] as const;

/** What an organization decides: whose CI jobs may have keys, and which. */
export type PolicySettings = {
  name: string;
  /** What a token is exchanged for: a key, or a CI session that creates keys. */
  issue: (typeof ISSUES)[number];
  /** The name of a configured issuer. */
  issuer: string;
  /** The organization at an issuer that has one for each of them. */
  issuerOrganization: string | undefined;
  permissionSets: readonly string[];
  /** Scopes that a key may be made from one by one. */
  scopes: readonly string[];
  environments: readonly Environment[];
  maxLifetimeSeconds: number;
  maxActiveKeys: number;
  conditions: Conditions;
  enabled: boolean;
};

export type Policy = PolicySettings & {
  id: string;
  organizationId: string;
  createdBy: { kind: string; id: string };
  createdAt: Date;
  updatedAt: Date;
};
