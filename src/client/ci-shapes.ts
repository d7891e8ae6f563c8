// CI policies and exchanges as JSON.
import type { ApiKey, Environment } from './key-shapes.ts';

type CiValue = string | number | boolean;
/** A value, any of a list, or a glob whose `*` stops at `/` and `:`. */
export type CiCondition = CiValue | readonly CiValue[] | { glob: string };

/** What CI policies may have. */
export type ProductCi = {
  /** The `aud` of a job's token is this, then `/ci/`, then the organization's id. */
  audience: string;
  /** The product's own guide. */
  guide_url: string | null;
  issuers: {
    name: string;
    /** The CI whose rules hold. */
    kind: 'github' | 'gitlab' | 'buildkite' | 'circleci' | 'own';
    /** With `{organization}` where each organization of that CI has an issuer. */
    url: string;
    needs_organization: boolean;
    /** Sets of claims, of which a policy pins one by exact values; the usual one first. */
    pins: { claims: string[]; with_more: boolean }[];
    /** Claims that a dry run can judge; others may be conditions, too. */
    claims: string[];
    /** Values by claim that are refused unless a condition lists them. */
    refused: Record<string, string[]>;
    /** A condition on the first claim needs one on the second. */
    companions: Record<string, string>;
  }[];
  /** Claims on which no policy has conditions. */
  reserved_claims: string[];
  permission_sets: string[];
  scopes: string[];
  environments: Environment[];
  lifetime_seconds: { min: number; default: number; max: number };
  active_keys: { default: number; max: number };
  max_policies: number;
};

/** Whose CI jobs may have keys, and which. */
export type CiPolicy = {
  id: string;
  name: string;
  /** Its name in the configuration of the service. */
  issuer: string;
  /** Null while the operator no longer allows the issuer. */
  issuer_url: string | null;
  /** Your organization at CircleCI. */
  issuer_organization: string | null;
  /** What the CI must request as the audience of its token. */
  audience: string;
  /** What a token is exchanged for. */
  issue: 'api_key' | 'session';
  permission_sets: string[];
  scopes: string[];
  environments: Environment[];
  max_lifetime_seconds: number;
  max_active_keys: number;
  when: Record<string, unknown>;
  enabled: boolean;
  created_by: { kind: string; id: string };
  created_at: string;
  updated_at: string;
  /** Null: no token was exchanged under it. */
  last_exchanged_at: string | null;
};

/** What can be changed later; `when` is replaced as a whole. */
export type UpdateCiPolicy = {
  name?: string | undefined;
  issue?: 'api_key' | 'session' | undefined;
  permission_sets?: readonly string[] | undefined;
  scopes?: readonly string[] | undefined;
  environments?: readonly Environment[] | undefined;
  max_lifetime_seconds?: number | undefined;
  max_active_keys?: number | undefined;
  when?: Readonly<Record<string, CiCondition>> | undefined;
  enabled?: boolean | undefined;
};
export type CreateCiPolicy = UpdateCiPolicy & {
  name: string;
  issuer: string;
  issuer_organization?: string | null | undefined;
  when: Readonly<Record<string, CiCondition>>;
};

/** `revoke_keys`: also revokes the keys that the policy gave. */
export type DeleteCiPolicy = { revoke_keys?: boolean | undefined };

/** What a draft of a policy would have made of the exchanges of the last 30 days. */
export type JudgedCiPolicy = {
  since: string;
  /** False where there were too many to read all. */
  complete: boolean;
  admitted: number;
  refused: number;
  /** The audit log does not have all claims that the draft asks for. */
  unknown: number;
  /** What the draft would change, and what is unknown; newest first. */
  data: {
    event_id: string;
    occurred_at: string;
    policy: string;
    was: 'admitted' | 'refused';
    would_be: 'admitted' | 'refused' | 'unknown';
    mismatch: { claim: string; value: string | null }[];
    unknown_claims: string[];
    claims: Record<string, string>;
  }[];
};

/** The token of a CI job, and the key that it asks for. What is left out is the policy's. */
export type ExchangeCiToken = {
  policy: string;
  /** The OIDC token. */
  token: string;
  permission_set?: string | undefined;
  scopes?: readonly string[] | undefined;
  environment?: Environment | undefined;
  lifetime_seconds?: number | undefined;
};
type Exchanged = {
  /** The key, or the token of the CI session. No other answer has it. */
  access_token: string;
  token_type: 'Bearer';
  /** Seconds. */
  expires_in: number;
  /** Ends it early, with `ci.revoke`. */
  revoke_token: string;
};
/** How the token of a job stands to each condition of a policy. */
export type ExplainedCiToken = {
  admitted: boolean;
  policy: { id: string; name: string; issue: 'api_key' | 'session'; enabled: boolean };
  conditions: { claim: string; value: string | null; holds: boolean }[];
};

/** What the policy issues: a key, or a CI session, whose token creates, lists and revokes keys of the policy. */
export type ExchangedCiToken =
  | (Exchanged & { issued_token_type: 'urn:latchkey:token-type:api-key'; api_key: ApiKey })
  | (Exchanged & {
      issued_token_type: 'urn:latchkey:token-type:session';
      session: { id: string; policy: string; expires_at: string };
    });
