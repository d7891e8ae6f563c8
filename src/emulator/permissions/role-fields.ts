import { z } from 'zod';
import type { Clock } from '../clock.ts';
import type { EventLog } from '../events/event-log.ts';
import { notFound } from '../http/http-error.ts';
import type { OrganizationStore } from '../organizations/organization-store.ts';
import type { Store } from '../state/store.ts';
import type { Ids } from '../ulid.ts';
import type { Role } from './role-store.ts';

export type RoleDeps = { store: Store; ids: Ids; clock: Clock; organizations: OrganizationStore; events: EventLog };

const MAX_PERMISSIONS = 500;
const Name = z.string().min(1).max(48);
const Description = z.string().max(150).nullish();

export const RoleCreation = z.object({
  slug: z
    .string()
    .regex(/^[a-z0-9\-_]{1,48}$/)
    .optional(),
  name: Name,
  description: Description,
  resource_type_slug: z.literal('organization').default('organization'),
});
export const RoleChanges = z.object({ name: Name.optional(), description: Description });
export const RolePermissions = z.object({ permissions: z.array(z.string().min(1).max(128)).max(MAX_PERMISSIONS) });
export const PermissionSlug = z.object({ slug: z.string().min(1).max(128) });

/** Throws 404 for a new permission that the environment does not have. Permissions that the role already has may stay. */
export function assertKnownPermissions({ store }: RoleDeps, role: Role, wanted: readonly string[] = []): void {
  const unknown = wanted.find(
    (slug) => !role.permissions.includes(slug) && !store.get('select 1 from permissions where slug = ?', slug),
  );
  if (unknown !== undefined) throw notFound('Permission', unknown);
}
