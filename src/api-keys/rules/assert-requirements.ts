import type { Requirement } from '../../permissions/requirements.ts';
import { invalidFields } from '../../http/validate.ts';
import type { WorkosGateway } from '../../workos/gateway.ts';

type Deps = {
  requirementsOf: (scopes: Iterable<string>) => readonly Requirement[];
  workos: Pick<WorkosGateway, 'organizationMetadata'>;
};
type Wanted = { permissionSet: string | undefined; scopes: readonly string[] };

export type AssertRequirements = ReturnType<typeof makeAssertRequirements>;

/**
 * Refuses a new key with scopes that the organization is not ready for. WorkOS is asked only about such scopes.
 * @throws AppError `validation_error`; WorkosFailure
 */
export function makeAssertRequirements({ requirementsOf, workos }: Deps) {
  return async function assertRequirements(organizationId: string, { permissionSet, scopes }: Wanted): Promise<void> {
    const needed = requirementsOf(scopes);
    if (needed.length === 0) return;
    const metadata = await workos.organizationMetadata(organizationId);
    const missing = needed.filter(({ requires }) => (metadata[requires] ?? '') === '');
    if (missing.length === 0) return;
    const field = permissionSet === undefined ? 'scopes' : 'permission_set';
    const reasons = missing.map(({ scope, requires }) => `${scope} needs ${requires}, which this organization lacks.`);
    throw invalidFields({ [field]: reasons.join(' ') });
  };
}
