import { z } from 'zod';
import { EVENT_ID, ID, ORGANIZATION_ID } from '../../ids.ts';
import { workosTime as time } from './time.ts';
import type { WorkosKey, WorkosMember, WorkosOrganization, WorkosRole, WorkosSession } from '../entities.ts';

/** `actorId`: undefined when WorkOS does not name the actor. */
type Common = { id: string; createdAt: Date; actorId: string | undefined };

/** An event of WorkOS, of the kinds that concern Latchkey. */
export type WorkosEvent =
  | (Common & { type: 'api_key.created' | 'api_key.updated' | 'api_key.revoked'; key: WorkosKey })
  | (Common & {
      type: 'organization.created' | 'organization.updated' | 'organization.deleted';
      organization: WorkosOrganization;
    })
  | (Common & { type: MembershipEvent; member: WorkosMember })
  | (Common & { type: RoleEvent; role: WorkosRole })
  | (Common & { type: 'user.deleted'; userId: string })
  | (Common & { type: 'session.revoked'; session: WorkosSession });

type MembershipEvent =
  | 'organization_membership.created'
  | 'organization_membership.updated'
  | 'organization_membership.deleted';
type RoleEvent = 'role.updated' | 'role.deleted' | 'organization_role.updated' | 'organization_role.deleted';

/** The kinds of events that the poller asks for. */
export const EVENT_TYPES = [
  'api_key.created',
  'api_key.updated',
  'api_key.revoked',
  'organization.created',
  'organization.updated',
  'organization.deleted',
  'organization_membership.created',
  'organization_membership.updated',
  'organization_membership.deleted',
  'role.updated',
  'role.deleted',
  'organization_role.updated',
  'organization_role.deleted',
  'user.deleted',
  'session.revoked',
] as const satisfies WorkosEvent['type'][];

const id = z.string().regex(ID);
const organizationId = z.string().regex(ORGANIZATION_ID);

export const RawKey = z
  .object({
    id,
    owner: z.union([
      z
        .object({ type: z.literal('organization'), id: organizationId })
        .transform((owner) => ({ organizationId: owner.id, userId: undefined })),
      z
        .object({ type: z.literal('user'), id, organization_id: organizationId })
        .transform((owner) => ({ organizationId: owner.organization_id, userId: owner.id })),
      // WorkOS may add kinds of owners: the key is good for the organization that the owner belongs to.
      z
        .object({ type: z.string().max(64), organization_id: organizationId })
        .refine(({ type }) => type !== 'user' && type !== 'organization')
        .transform((owner) => ({ organizationId: owner.organization_id, userId: undefined })),
    ]),
    name: z.string(),
    obfuscated_value: z.string().min(1),
    permissions: z.array(z.string()),
    expires_at: time.nullish(),
    created_at: time,
    updated_at: time,
  })
  .transform((key): WorkosKey => ({
    id: key.id,
    ...key.owner,
    environment: 'live',
    name: key.name,
    obfuscatedValue: key.obfuscated_value,
    permissions: key.permissions,
    expiresAt: key.expires_at ?? undefined,
    createdAt: key.created_at,
    updatedAt: key.updated_at,
  }));

export const RawOrganization = z
  .object({
    id: organizationId,
    name: z.string(),
    external_id: z.string().min(1).nullish().catch(undefined),
    // An unreadable customer id must not make the organization unreadable.
    stripe_customer_id: z
      .string()
      .regex(/^\w{1,255}$/)
      .nullish()
      .catch(undefined),
    created_at: time,
    updated_at: time,
  })
  .transform((organization): WorkosOrganization => ({
    id: organization.id,
    name: organization.name,
    externalId: organization.external_id ?? undefined,
    stripeCustomerId: organization.stripe_customer_id ?? undefined,
    createdAt: organization.created_at,
    updatedAt: organization.updated_at,
  }));

const MAX_ROLES = 100;
const MAX_PERMISSIONS = 500;
/** PostgreSQL stores no NUL. A name with a replaced one matches no permission and grants nothing. */
const withoutNul = (text: string): string => text.replaceAll('\0', '\uFFFD');
const slug = z.string().min(1).max(128).transform(withoutNul);
const permission = z.string().max(128).transform(withoutNul);

const Membership = z.object({
  user_id: id,
  organization_id: organizationId,
  status: z.string(),
  role: z.object({ slug }).nullish(),
  roles: z.array(z.object({ slug })).max(MAX_ROLES).nullish(),
  updated_at: time,
});
const RawMember = Membership.transform(toMember);

/** A membership in an answer. Events are stored, so the e-mail address is not read from them. */
export const RawAnsweredMember = Membership.extend({
  user: z
    .object({ email: z.string().max(254) })
    .nullish()
    .catch(undefined),
}).transform((member): WorkosMember & { email: string | undefined } => ({
  ...toMember(member),
  email: member.user?.email,
}));

function toMember(member: z.output<typeof Membership>): WorkosMember {
  return {
    organizationId: member.organization_id,
    userId: member.user_id,
    active: member.status === 'active',
    roles: [...new Set([member.role, ...(member.roles ?? [])].flatMap((role) => (role ? [role.slug] : [])))],
    updatedAt: member.updated_at,
  };
}

export const RawRole = z
  .object({
    slug,
    organization_id: organizationId.nullish(),
    permissions: z.array(permission).max(MAX_PERMISSIONS).nullish(),
    updated_at: time,
  })
  .transform((role): WorkosRole => ({
    slug: role.slug,
    organizationId: role.organization_id ?? undefined,
    permissions: role.permissions ?? undefined,
    updatedAt: role.updated_at,
  }));

const RawSession = z
  .object({ id, user_id: id, organization_id: organizationId.nullish() })
  .transform((session): WorkosSession => ({
    id: session.id,
    userId: session.user_id,
    organizationId: session.organization_id ?? undefined,
  }));

const RawUser = z.object({ id }).transform((user) => ({ userId: user.id }));

const common = {
  id: z.string().regex(EVENT_ID),
  created_at: time,
  // An unreadable actor must not make the event unreadable.
  context: z
    .object({ actor: z.object({ id: z.string().regex(/^[\w.:@|-]{1,128}$/) }) })
    .optional()
    .catch(undefined),
};

const RawEvent = z.discriminatedUnion('event', [
  z.object({
    ...common,
    event: z.enum(['api_key.created', 'api_key.updated', 'api_key.revoked']),
    data: RawKey.transform((key) => ({ key })),
  }),
  z.object({
    ...common,
    event: z.enum(['organization.created', 'organization.updated', 'organization.deleted']),
    data: RawOrganization.transform((organization) => ({ organization })),
  }),
  z.object({
    ...common,
    event: z.enum([
      'organization_membership.created',
      'organization_membership.updated',
      'organization_membership.deleted',
    ]),
    data: RawMember.transform((member) => ({ member })),
  }),
  z.object({
    ...common,
    event: z.enum(['role.updated', 'role.deleted']),
    data: RawRole.transform((role) => ({ role })),
  }),
  z.object({
    ...common,
    event: z.enum(['organization_role.updated', 'organization_role.deleted']),
    // Without its organization it would count as a role of all organizations.
    data: RawRole.refine(({ organizationId }) => organizationId !== undefined).transform((role) => ({ role })),
  }),
  z.object({ ...common, event: z.literal('user.deleted'), data: RawUser }),
  z.object({
    ...common,
    event: z.literal('session.revoked'),
    data: RawSession.transform((session) => ({ session })),
  }),
]);

type Parsed = { success: true; event: WorkosEvent } | { success: false; reason: string };

/** Reads an event of the Events API or of a webhook, of a kind that concerns Latchkey. */
export function parseEvent(raw: unknown): Parsed {
  const parsed = RawEvent.safeParse(raw);
  if (!parsed.success) return { success: false, reason: parsed.error.issues.map(describeIssue).join('; ') };
  const { id, created_at: createdAt, context, event: type, data } = parsed.data;
  return { success: true, event: { id, createdAt, actorId: context?.actor.id, type, ...data } as WorkosEvent };
}

function describeIssue({ path, message }: z.core.$ZodIssue): string {
  return `${path.join('.')}: ${message}`;
}
