import type { KeyTemplate } from '../../api-keys/key.ts';
import { AppError } from '../../errors.ts';
import type { Catalogue } from '../../permissions/catalogue.ts';
import type { Policy } from './policy.ts';

/** What the product's configuration offers now; a policy may be older. */
export type Offered = Pick<Catalogue, 'scopesOf' | 'chosenScopes'>;

/** A key that is asked for. `scopes`: those chosen one by one, instead of a set. */
export type WantedKey = Pick<KeyTemplate, 'environment' | 'permissionSet'> & {
  scopes: readonly string[] | undefined;
  lifetimeSeconds: number;
};

/** @throws AppError `permission_denied` with `details.allowed` for a key beyond the policy */
export function assertWithinPolicy(policy: Policy, wanted: WantedKey, offered: Offered): void {
  const { environment, permissionSet, scopes, lifetimeSeconds } = wanted;
  const allowedSets = policy.permissionSets.filter((name) => offered.scopesOf(name).length > 0);
  const allowedScopes = policy.scopes.filter((name) => offered.chosenScopes.includes(name));
  const allowed = {
    ...(!policy.environments.includes(environment) && { environments: policy.environments }),
    ...(lifetimeSeconds > policy.maxLifetimeSeconds && { max_lifetime_seconds: policy.maxLifetimeSeconds }),
    ...(permissionSet !== undefined && !allowedSets.includes(permissionSet) && { permission_sets: allowedSets }),
    ...(scopes?.some((scope) => !allowedScopes.includes(scope)) && { scopes: allowedScopes }),
  };
  if (Object.keys(allowed).length > 0) throw beyondPolicy(allowed);
}

/** Says what the policy allows instead, to a job that it trusts. */
export function beyondPolicy(allowed: Readonly<Record<string, unknown>>): AppError {
  return new AppError('permission_denied', 'The CI policy does not allow this.', { details: { allowed } });
}
