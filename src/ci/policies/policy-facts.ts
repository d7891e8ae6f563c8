import type { Environment } from '../../api-keys/key.ts';
import type { Catalogue } from '../../permissions/catalogue.ts';
import type { CiFacts } from '../../product/ci-view.ts';
import type { CiRules } from '../../product/ci-rules.ts';
import { RESERVED_CLAIMS } from '../conditions/condition.ts';
import { hasOrganizations } from '../issuers/configured-issuers.ts';
import type { ConfiguredIssuers } from '../issuers/configured-issuers.ts';
import type { Issuer } from '../issuers/issuer.ts';
import { MAX_POLICIES } from './change-policies.ts';
import { ACTIVE_KEYS, LIFETIME_SECONDS } from './policy-schemas.ts';

type Configured = {
  rules: Pick<CiRules, 'audience' | 'guide_url'>;
  issuers: ConfiguredIssuers;
  catalogue: Pick<Catalogue, 'sets' | 'chosenScopes'>;
  environments: readonly Environment[];
};

/** Returns what policies may have, for forms that make them; undefined where no issuer is allowed. */
export function policyFacts({ rules, issuers, catalogue, environments }: Configured): CiFacts | undefined {
  if (issuers.size === 0) return undefined;
  return {
    audience: rules.audience!,
    guide_url: rules.guide_url ?? null,
    issuers: Array.from(issuers.values(), issuerFacts),
    reserved_claims: [...RESERVED_CLAIMS],
    permission_sets: catalogue.sets.map(({ name }) => name),
    scopes: [...catalogue.chosenScopes],
    environments: [...environments],
    lifetime_seconds: LIFETIME_SECONDS,
    active_keys: ACTIVE_KEYS,
    max_policies: MAX_POLICIES,
  };
}

function issuerFacts(issuer: Issuer): CiFacts['issuers'][number] {
  const { pins, recorded, refused, companions } = issuer.rules;
  return {
    name: issuer.name,
    kind: issuer.kind,
    url: issuer.url,
    needs_organization: hasOrganizations(issuer),
    pins: pins.map(({ claims, withMore }) => ({ claims: [...claims], with_more: withMore })),
    claims: [...recorded],
    refused: Object.fromEntries(Object.entries(refused).map(([claim, values]) => [claim, [...values]])),
    companions: { ...companions },
  };
}
