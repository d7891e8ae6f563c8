import { z } from 'zod';
import { ENVIRONMENTS } from '../../api-keys/key.ts';
import { listOf, pageQuery } from '../../http/pagination.ts';
import { text } from '../../http/text.ts';
import type { Catalogue } from '../../permissions/catalogue.ts';
import { Conditions } from '../conditions/condition.ts';
import type { ConfiguredIssuers } from '../issuers/configured-issuers.ts';
import { ISSUES } from './policy.ts';
import type { Policy, PolicySettings } from './policy.ts';

const DAY_SECONDS = 24 * 60 * 60;
const HOUR_SECONDS = 60 * 60;

/** Bounds and default of a policy's `max_lifetime_seconds`. */
export const LIFETIME_SECONDS = { min: 60, default: HOUR_SECONDS, max: DAY_SECONDS };
/** Bounds and default of a policy's `max_active_keys`. */
export const ACTIVE_KEYS = { default: 5, max: 10_000 };
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export const POLICY_ID = /^cipol_[0-9A-Z]{26}$/;

const environments = z
  .array(z.enum(ENVIRONMENTS))
  .min(1)
  .max(ENVIRONMENTS.length)
  .describe('Environments that keys may be of; the first is that of a key whose exchange names none.');
const maxLifetime = z
  .int()
  .min(LIFETIME_SECONDS.min)
  .max(LIFETIME_SECONDS.max)
  .describe('Longest lifetime of a key in seconds, and its lifetime where the exchange names none.');
const maxActive = z.int().min(1).max(ACTIVE_KEYS.max).describe('Most unexpired keys of this policy at a time.');
const issue = z
  .enum(ISSUES)
  .describe(
    'What a token is exchanged for: `api_key`, or `session`: at most 15 minutes in which the job creates, lists and revokes keys of this policy.',
  );
const enabled = z.boolean().describe('Whether tokens are exchanged.');

/** Bounds of `lifetime_seconds` in an exchange; a policy narrows them. */
export const lifetimeSeconds = z.int().min(LIFETIME_SECONDS.min).max(LIFETIME_SECONDS.max);

type Configured = { catalogue: Pick<Catalogue, 'sets' | 'chosenScopes'>; issuers: ConfiguredIssuers };
export type PolicySchemas = ReturnType<typeof makePolicySchemas>;

/** Makes the schemas of policies. Issuers, permission sets and scopes are the closed lists of the configuration. */
export function makePolicySchemas({ catalogue: { sets, chosenScopes }, issuers }: Configured) {
  const fields = {
    name: text({ min: 1, max: 64 }).describe('Name of the policy, unique in the organization.'),
    issuer: z.enum([...issuers.keys()]).describe('Issuer of the tokens: one that the operator allows.'),
    issuer_organization: z
      .string()
      .regex(UUID, 'Give the UUID of the organization, in lower case.')
      .nullable()
      .describe(
        'Id of your organization at the issuer, for CircleCI, which has an issuer for each; null for all others.',
      ),
    issue,
    permission_sets: listFrom(sets.map(({ name }) => name)).describe('Permission sets that a key may be made from.'),
    scopes: listFrom(chosenScopes).describe(
      'Scopes that a key may be made from one by one. The caller must hold each.',
    ),
    environments,
    max_lifetime_seconds: maxLifetime,
    max_active_keys: maxActive,
    when: Conditions,
    enabled,
  };
  const create = {
    ...fields,
    issuer_organization: fields.issuer_organization.default(null),
    issue: issue.default('api_key'),
    permission_sets: fields.permission_sets.default([]),
    scopes: fields.scopes.default([]),
    environments: environments.default(['live']),
    max_lifetime_seconds: maxLifetime.default(LIFETIME_SECONDS.default),
    max_active_keys: maxActive.default(ACTIVE_KEYS.default),
    enabled: enabled.default(true),
  };
  return {
    CreateBody: z.strictObject(create).meta({ id: 'CreateCiPolicy', example: exampleOf(issuers, sets[0]?.name) }),
    UpdateBody: z
      .strictObject({
        ...z.object(fields).omit({ issuer: true, issuer_organization: true }).partial().shape,
      })
      .refine((change) => Object.keys(change).length > 0, 'Give at least one field to change.')
      .meta({ id: 'UpdateCiPolicy' }),
  };
}

function exampleOf(issuers: ConfiguredIssuers, set: string | undefined): object {
  return {
    name: 'deploy',
    issuer: [...issuers.keys()][0],
    ...(set !== undefined && { permission_sets: [set] }),
    when: { repository_id: '987', environment: 'production', event_name: ['push'], ref: { glob: 'refs/heads/v/*' } },
  };
}

function listFrom(names: readonly string[]) {
  return z
    .array(z.enum([...names]))
    .max(Math.max(names.length, 1))
    .refine((given) => new Set(given).size === given.length, 'List each once.');
}

export const PolicyParams = z.object({ id: z.string().max(64).describe('The id of the policy.') });
export const ListPoliciesQuery = z.strictObject(pageQuery);

export const CiPolicy = z
  .object({
    id: z.string(),
    name: z.string(),
    issuer: z.string().describe('Name of the issuer in the configuration.'),
    issuer_url: z.string().nullable().describe('Its address; null while the operator no longer allows it.'),
    issuer_organization: z.string().nullable(),
    audience: z.string().describe('What the CI must request as the audience of its token.'),
    issue,
    permission_sets: z.array(z.string()),
    scopes: z.array(z.string()),
    environments: z.array(z.enum(ENVIRONMENTS)),
    max_lifetime_seconds: z.int(),
    max_active_keys: z.int(),
    when: z.record(z.string(), z.unknown()).describe('Conditions by claim.'),
    enabled: z.boolean(),
    created_by: z.object({ kind: z.string(), id: z.string() }),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
    last_exchanged_at: z.iso.datetime().nullable().describe('When a token was last exchanged under it; null: never.'),
  })
  .meta({ id: 'CiPolicy' });

export const CiPolicyList = listOf(CiPolicy).meta({ id: 'CiPolicyList' });
export const DeletePolicyQuery = z.strictObject({
  revoke_keys: z
    .enum(['true', 'false'])
    .default('false')
    .transform((value) => value === 'true')
    .meta({ override: { type: 'boolean', enum: [true, false], default: false } })
    .describe('Whether the keys that the policy gave are revoked, too.'),
});
export const Deleted = z.object({
  status: z.literal('deleted'),
  revoked_keys: z.int().describe('How many keys this request revoked.'),
});

/** Shows what an organization decided, in the API's field names. */
export function viewSettings(policy: PolicySettings) {
  return {
    name: policy.name,
    issuer: policy.issuer,
    issuer_organization: policy.issuerOrganization ?? null,
    issue: policy.issue,
    permission_sets: [...policy.permissionSets],
    scopes: [...policy.scopes],
    environments: [...policy.environments],
    max_lifetime_seconds: policy.maxLifetimeSeconds,
    max_active_keys: policy.maxActiveKeys,
    when: { ...policy.conditions },
    enabled: policy.enabled,
  };
}

type ShownPolicy = { issuerUrl: string | undefined; audience: string; lastExchangedAt: Date | undefined };

export function viewPolicy(policy: Policy, shown: ShownPolicy) {
  return {
    ...viewSettings(policy),
    id: policy.id,
    issuer_url: shown.issuerUrl ?? null,
    audience: shown.audience,
    created_by: policy.createdBy,
    created_at: policy.createdAt.toISOString(),
    updated_at: policy.updatedAt.toISOString(),
    last_exchanged_at: shown.lastExchangedAt?.toISOString() ?? null,
  };
}

type Create = z.output<PolicySchemas['CreateBody']>;
type Sent = { [Name in keyof Create]?: Create[Name] | undefined };

/** Reads the settings that a body names. */
export function readSettings(sent: Sent): Partial<PolicySettings> {
  const all: { [Name in keyof PolicySettings]: PolicySettings[Name] | undefined } = {
    name: sent.name,
    issuer: sent.issuer,
    issuerOrganization: sent.issuer_organization ?? undefined,
    issue: sent.issue,
    permissionSets: sent.permission_sets,
    scopes: sent.scopes,
    environments: sent.environments,
    maxLifetimeSeconds: sent.max_lifetime_seconds,
    maxActiveKeys: sent.max_active_keys,
    conditions: sent.when,
    enabled: sent.enabled,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}
