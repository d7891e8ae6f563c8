import { z } from 'zod';
import { EVENT_NAMES } from './webhooks/event-names.ts';

const Id = z.string().min(1).max(128);
const Slug = z.string().regex(/^[a-z0-9\-_:.*]{1,48}$/);

/**
 * What a local WorkOS starts with. What is absent is inserted. What exists stays as it is, except the permissions of roles,
 * `apiKeyPermissions` and the webhook endpoints.
 */
export const Seed = z.strictObject({
  /** Secret and client id of the environment; read from the seed of the start only. */
  environment: z.strictObject({ apiKey: z.string().min(1), clientId: z.string().min(1) }).optional(),
  permissions: z
    .array(
      z.strictObject({
        slug: Slug,
        name: z.string().max(48),
        description: z.string().max(150).nullable().default(null),
      }),
    )
    .default([]),
  roles: z
    .array(z.strictObject({ slug: z.string().min(1), name: z.string().optional(), permissions: z.array(Slug) }))
    .default([]),
  /** Permissions that a key may have, by its owner. Replaces the earlier list; without one, every permission is allowed. */
  apiKeyPermissions: z
    .strictObject({ organization: z.array(Slug).optional(), user: z.array(Slug).optional() })
    .default({}),
  organizations: z
    .array(
      z.strictObject({
        id: Id,
        name: z.string().min(1),
        externalId: z.string().nullable().default(null),
        domains: z.array(z.string()).default([]),
        metadata: z.record(z.string(), z.string()).default({}),
        stripeCustomerId: z.string().optional(),
      }),
    )
    .default([]),
  people: z
    .array(
      z.strictObject({
        id: Id,
        email: z.email(),
        /** Without a password the person can sign in only with a one-time code. */
        password: z.string().min(1).optional(),
        firstName: z.string().nullable().default(null),
        lastName: z.string().nullable().default(null),
      }),
    )
    .default([]),
  memberships: z
    .array(
      z.strictObject({
        id: Id.optional(),
        userId: Id,
        organizationId: Id,
        role: z.string().min(1),
        status: z.enum(['active', 'inactive', 'pending']).default('active'),
      }),
    )
    .default([]),
  machineClients: z
    .array(
      z.strictObject({
        clientId: Id,
        secret: z.string().min(1),
        organizationId: Id,
        name: z.string().optional(),
        scopes: z.array(z.string().min(1)),
      }),
    )
    .default([]),
  /** Replaces the endpoint with the same address, because both sides must agree on the secret. */
  webhookEndpoints: z
    .array(
      z.strictObject({
        url: z.url(),
        secret: z.string().min(1),
        events: z.array(z.enum(EVENT_NAMES)).default([...EVENT_NAMES]),
      }),
    )
    .default([]),
});

export type Seed = z.input<typeof Seed>;
export type CompleteSeed = z.output<typeof Seed>;
