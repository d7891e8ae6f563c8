import type { ImportedKey } from '../../api-keys/rows/imported-keys.ts';
import type { Requirement } from '../../permissions/requirements.ts';

type Deps = {
  requirementsOf: (scopes: Iterable<string>) => readonly Requirement[];
  scopeNames: Iterable<string>;
  /** Asks WorkOS. */
  metadataOf: (organizationId: string) => Promise<Readonly<Record<string, string>>>;
};

/** Returns what the scopes of a key need and its organization lacks; undefined: nothing. */
export type UnmetOf = (key: Pick<ImportedKey, 'organizationId' | 'scopes'>) => Promise<string | undefined>;

/**
 * Finds rows whose scopes need an entry of the organization's metadata. WorkOS is asked once in a run about each
 * organization with such rows.
 * @returns undefined for a product whose scopes need nothing
 */
export function makeUnmetOf({ requirementsOf, scopeNames, metadataOf }: Deps): UnmetOf | undefined {
  if (requirementsOf(scopeNames).length === 0) return undefined;
  const asked = new Map<string, ReturnType<typeof metadataOf>>();
  return async ({ organizationId, scopes }) => {
    const needed = requirementsOf(scopes);
    if (needed.length === 0) return undefined;
    const answer = asked.get(organizationId) ?? metadataOf(organizationId);
    asked.set(organizationId, answer);
    const metadata = await answer;
    const missing = needed.filter(({ requires }) => (metadata[requires] ?? '') === '');
    const reasons = missing.map(({ scope, requires }) => `${scope} needs ${requires}, which ${organizationId} lacks`);
    return reasons.length === 0 ? undefined : reasons.join('; ');
  };
}
