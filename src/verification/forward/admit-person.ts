import type { UserCaller } from '../../http/caller.ts';
import { actOf, assertImpersonated } from '../../http/impersonation.ts';
import { AppError } from '../../errors.ts';
import type { RequestContext } from '../../http/route.ts';
import type { Operation } from '../../tenants/posture.ts';
import { lacks } from '../refusal.ts';

type Deps = {
  /** @throws AppError `billing_inactive` */
  assertBilling: (organizationId: string, operation: Operation) => Promise<void>;
  /** The acts that the product permits to an impersonator. */
  impersonatedMay: ReadonlySet<string>;
};
type Use = { operation: Operation; scopes: readonly string[] };

export type AdmitPerson = ReturnType<typeof makeAdmitPerson>;

/**
 * Decides on a proxied request by a person's session. A browser sends its cookie with requests that other pages make, so the
 * access token has to be in a header.
 * @throws AppError `credential_missing`, `permission_denied`, `billing_inactive`
 */
export function makeAdmitPerson({ assertBilling, impersonatedMay }: Deps) {
  return async function admitPerson(
    caller: UserCaller,
    { operation, scopes }: Use,
    { header }: Pick<RequestContext, 'header'>,
  ): Promise<void> {
    if (header('authorization') === undefined && header('x-access-token') === undefined)
      throw new AppError('credential_missing', 'Send the access token in Authorization: Bearer or x-access-token.');
    assertImpersonated(caller, actOf(operation), impersonatedMay);
    const missing = scopes.filter((scope) => !caller.scopes.has(scope));
    if (missing.length > 0) throw lacks('session', missing, scopes);
    await assertBilling(caller.organizationId, operation);
  };
}

/** Empty ones replace what the client sent by that name. */
export function headersOfPerson({ organizationId, userId, scopes }: UserCaller): [name: string, value: string][] {
  return [
    ['x-latchkey-organization-id', organizationId],
    ['x-latchkey-key-id', ''],
    ['x-latchkey-environment', ''],
    ['x-latchkey-scopes', [...scopes].join(' ')],
    ['x-latchkey-permission-set', ''],
    ['x-latchkey-owner-id', userId],
  ];
}

export function viewOfPerson({ organizationId, scopes }: UserCaller) {
  return {
    organization_id: organizationId,
    key_id: null,
    environment: null,
    scopes: [...scopes],
    permission_set: null,
  };
}
