import { z } from 'zod';
import type { WorkosMembership } from './gateway.ts';

/** A membership as its person sees it. WorkOS may leave out the name of the organization. */
export const RawMembership = z
  .object({
    organization_id: z.string().min(1).max(128),
    organization_name: z.string().nullish(),
    role: z.object({ slug: z.string() }).nullish(),
    roles: z.array(z.object({ slug: z.string() })).nullish(),
  })
  .transform((membership): WorkosMembership => ({
    organizationId: membership.organization_id,
    organizationName: membership.organization_name ?? undefined,
    role: membership.role?.slug ?? membership.roles?.[0]?.slug,
  }));
