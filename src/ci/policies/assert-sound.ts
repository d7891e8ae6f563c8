import { invalidFields } from '../../http/validate.ts';
import { pinsOf } from '../conditions/judge-claims.ts';
import type { Conditions } from '../conditions/condition.ts';
import { hasOrganizations } from '../issuers/configured-issuers.ts';
import type { Issuer } from '../issuers/issuer.ts';
import type { PolicySettings } from './policy.ts';

/**
 * Refuses a policy that trusts more than an immutable id of its issuer, or grants nothing.
 * @throws AppError `validation_error`
 */
export function assertSound(policy: PolicySettings, issuer: Issuer | undefined): void {
  const faults = {
    ...(issuer === undefined
      ? { issuer: 'The operator no longer allows this issuer.' }
      : { ...pinFaults(issuer, policy.conditions), ...organizationFaults(issuer, policy) }),
    ...(policy.permissionSets.length === 0 &&
      policy.scopes.length === 0 && { permission_sets: 'Give at least one permission set or scope.' }),
    ...(new Set(policy.environments).size < policy.environments.length && { environments: 'List each once.' }),
  };
  if (Object.keys(faults).length > 0) throw invalidFields(faults);
}

function pinFaults({ rules }: Issuer, conditions: Conditions): Record<string, string> {
  const [usual] = rules.pins;
  const missing =
    pinsOf(rules.pins, conditions) === undefined &&
    `Pin ${usual!.claims.join(' and ')} by exact values: names can be given to others, ids cannot.`;
  const alone = Object.entries(rules.companions).filter(
    ([claim, other]) => Object.hasOwn(conditions, claim) && !Object.hasOwn(conditions, other),
  );
  return {
    ...(missing && { when: missing }),
    ...Object.fromEntries(alone.map(([claim, other]) => [`when.${claim}`, `Give a condition on ${other}, too.`])),
  };
}

function organizationFaults(issuer: Issuer, { issuerOrganization }: PolicySettings): Record<string, string> {
  if (hasOrganizations(issuer) === (issuerOrganization !== undefined)) return {};
  return {
    issuer_organization:
      issuerOrganization === undefined
        ? `Give your organization's id at ${issuer.name}.`
        : `${issuer.name} has one issuer for all organizations. Leave this out.`,
  };
}
