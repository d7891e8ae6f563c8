import { invalidRequest } from '../http/http-error.ts';
import { readJson } from '../state/json.ts';
import type { Switches } from '../profile/switches.ts';
import type { Store } from '../state/store.ts';

type Deps = { store: Store; switches: Pick<Switches, 'refused_permissions'> };

/**
 * Throws 422 for permissions that keys of this kind may not have. WorkOS has one list per kind of owner in its dashboard;
 * without a list, every permission is allowed.
 */
export function assertAllowed(
  { store, switches: { refused_permissions: off } }: Deps,
  owner: 'organization' | 'user',
  slugs: readonly string[],
): void {
  if (slugs.length === 0) return;
  const setting = store.get<{ slugs: string }>('select slugs from api_key_permissions where owner_type = ?', owner);
  const allowed = new Set(setting ? readJson<string[]>(setting.slugs) : knownSlugs(store));
  const refused = slugs.filter((slug) => !allowed.has(slug) || off.includes(slug) || off.includes('*'));
  if (refused.length === 0) return;
  throw invalidRequest(
    refused.map((slug) => ({
      field: 'permissions',
      code: 'invalid_permission',
      message: `'${slug}' is not enabled for ${owner} API keys.`,
    })),
  );
}

const knownSlugs = (store: Store): string[] =>
  store.all<{ slug: string }>('select slug from permissions').map(({ slug }) => slug);
