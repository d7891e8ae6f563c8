import type { CiCondition, CiPolicy, CreateCiPolicy, Environment, ProductCi } from '../../../client/client.ts';
import { pinnedClaims } from '../issuers.ts';
import type { Issuer } from '../issuers.ts';
import type { FieldErrors } from './policy-errors.ts';

/** `is`: a value; `any`: one of several; `like`: a glob. */
export type Comparison = 'is' | 'any' | 'like';
/** A condition as it is written. `given`: what it was before, which stays as it is while its text does. */
export type Written = { comparison: Comparison; text: string; given?: CiCondition | undefined };
export type WrittenCondition = Written & { id: number; claim: string };

/** A policy that is being described. */
export type PolicyDraft = {
  name: string;
  issuer: string;
  organization: string;
  /** Which of the issuer's sets of pins. */
  pins: number;
  /** Pins by claim, also of sets that are not chosen. */
  pinned: Readonly<Record<string, Written>>;
  conditions: readonly WrittenCondition[];
  issue: CiPolicy['issue'];
  sets: readonly string[];
  scopes: readonly string[];
  environments: readonly Environment[];
  lifetimeSeconds: number;
  activeKeys: string;
};

/** What each part of the form is given. */
export type FieldsProps = {
  draft: PolicyDraft;
  issuer: Issuer | undefined;
  errors: FieldErrors;
  onDraft: (change: Partial<PolicyDraft>) => void;
};

export const NOTHING: Written = { comparison: 'is', text: '' };

/** The form of a new policy as it opens. */
export function firstPolicy(ci: ProductCi): PolicyDraft {
  return {
    name: '',
    issuer: ci.issuers[0]!.name,
    organization: '',
    pins: 0,
    pinned: {},
    conditions: [],
    issue: 'api_key',
    sets: ci.permission_sets.length === 1 ? ci.permission_sets : [],
    scopes: [],
    environments: ci.environments.slice(0, 1),
    lifetimeSeconds: ci.lifetime_seconds.default,
    activeKeys: String(ci.active_keys.default),
  };
}

/** The form of a policy that is there. */
export function draftOf(policy: CiPolicy, issuer: Issuer | undefined): PolicyDraft {
  const claims = pinnedClaims(issuer, policy.when);
  const written = Object.entries(policy.when).map(([claim, given]): [string, Written] => [
    claim,
    writtenOf(given as CiCondition),
  ]);
  return {
    name: policy.name,
    issuer: policy.issuer,
    organization: policy.issuer_organization ?? '',
    pins: Math.max(0, issuer?.pins.findIndex((pins) => pins.claims === claims) ?? 0),
    pinned: Object.fromEntries(written.filter(([claim]) => claims.includes(claim))),
    conditions: written
      .filter(([claim]) => !claims.includes(claim))
      .map(([claim, each], id) => ({ id, claim, ...each })),
    issue: policy.issue,
    sets: policy.permission_sets,
    scopes: policy.scopes,
    environments: policy.environments,
    lifetimeSeconds: policy.max_lifetime_seconds,
    activeKeys: String(policy.max_active_keys),
  };
}

/** What the API takes. */
export function readPolicy(draft: PolicyDraft, issuer: Issuer | undefined): CreateCiPolicy {
  const claims = issuer?.pins[draft.pins]?.claims ?? [];
  const pins = claims.flatMap((claim) => {
    const written = draft.pinned[claim];
    return written === undefined || written.text.trim() === '' ? [] : [[claim, conditionOf(written)] as const];
  });
  const others = draft.conditions
    .filter(({ claim, text }) => claim.trim() !== '' || text.trim() !== '')
    .map((condition) => [condition.claim.trim(), conditionOf(condition)] as const);
  return {
    name: draft.name.trim(),
    issuer: draft.issuer,
    issuer_organization: issuer?.needs_organization ? draft.organization.trim() || null : null,
    issue: draft.issue,
    permission_sets: draft.sets,
    scopes: draft.scopes,
    environments: draft.environments,
    max_lifetime_seconds: draft.lifetimeSeconds,
    max_active_keys: Number(draft.activeKeys),
    when: Object.fromEntries([...others, ...pins]),
  };
}

/** The conditions on claims that another one, or a pin, is on already: only one could be sent. */
export function repeatedConditions(draft: PolicyDraft, issuer: Issuer | undefined): ReadonlySet<number> {
  const seen = new Set(issuer?.pins[draft.pins]?.claims);
  const repeated = new Set<number>();
  for (const { id, claim } of draft.conditions) {
    const name = claim.trim();
    if (name === '') continue;
    if (seen.has(name)) repeated.add(id);
    seen.add(name);
  }
  return repeated;
}

function writtenOf(given: CiCondition): Written {
  if (typeof given !== 'object') return { comparison: 'is', text: String(given), given };
  if ('glob' in given) return { comparison: 'like', text: given.glob, given };
  return { comparison: 'any', text: given.join('\n'), given };
}

function conditionOf({ comparison, text, given }: Written): CiCondition {
  const before = given === undefined ? undefined : writtenOf(given);
  if (given !== undefined && before?.comparison === comparison && before.text === text) return given;
  if (comparison === 'like') return { glob: text.trim() };
  if (comparison === 'is') return text.trim();
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
