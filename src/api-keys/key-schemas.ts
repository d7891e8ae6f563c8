import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { IpAllowList } from '../ip/ip-allow-list.ts';
import { listOf, pageQuery } from '../http/pagination.ts';
import type { RateLimit } from '../limits/limits.ts';
import { text } from '../http/text.ts';
import { time } from '../http/time.ts';
import type { Catalogue } from '../permissions/catalogue.ts';
import {
  ONE_CHOICE,
  choiceFields,
  choiceMeta,
  isFreeChoice,
  isOneChoice,
  permissionSetOf,
  setFilter,
} from './key-choice.ts';
import type { Choice } from './key-choice.ts';
import { ONE_EXPIRY, expiryFields, isOneExpiry } from './key-expiry.ts';
import { ENVIRONMENTS, KEY_STATUSES, statusOf } from './key.ts';
import type { Key } from './key.ts';

const MAX_GRACE_SECONDS = 7 * 24 * 60 * 60;
const MAX_METADATA_ENTRIES = 50;
const DAY_MS = 24 * 60 * 60 * 1_000;

const label = text({ min: 1, max: 100 }).describe('What people call the key.');
const description = text({ min: 0, max: 500, multiline: true }).describe('What the key is for.');
const metadata = z
  .record(text({ min: 1, max: 40 }), text({ min: 0, max: 500 }))
  .refine((entries) => Object.keys(entries).length <= MAX_METADATA_ENTRIES, `At most ${MAX_METADATA_ENTRIES} entries.`)
  .meta({ maxProperties: MAX_METADATA_ENTRIES })
  .describe('Your own data on the key, string to string.');

const RateLimitView = z
  .strictObject({ limit: z.int().min(1).max(10_000_000), window_seconds: z.int().min(1).max(86_400) })
  .meta({ id: 'RateLimit' });
const rateLimit = RateLimitView.describe(
  "At most so many requests in a window, which begins with the first request in it; up to the plan's maximum. What the template and the plan say, if not given.",
);
const concurrency = z
  .int()
  .min(1)
  .max(100_000)
  .describe("Requests at a time; up to the plan's maximum. What the template and the plan say, if not given.");

const ipAllowList = IpAllowList.describe(
  'Addresses and ranges it may be used from, beside what its organization allows; null or none: from everywhere.',
);

const environment = z
  .enum(ENVIRONMENTS)
  .default('live')
  .describe('`test` makes a key that opens nothing live; where there is a test environment.');

export const KeyOwner = z
  .object({ type: z.enum(['organization', 'user']), id: z.string() })
  .meta({ id: 'ApiKeyOwner' });

export const ApiKey = z
  .object({
    id: z.string().describe("WorkOS's id of the key."),
    label: z.string(),
    prefix: z.string().describe('Obfuscated form of the secret, safe to display.'),
    permission_set: z
      .string()
      .nullable()
      .describe('The template that the key was made from; null for a key with scopes of its own.'),
    scopes: z.array(z.string()).describe('What the key was made with.'),
    effective_scopes: z
      .array(z.string())
      .describe('What it may be used for now with all that its scopes imply, while it is active.'),
    scopes_follow_set: z.boolean().describe('Whether it gets what its set says now, instead of what it was made with.'),
    environment: z.enum(ENVIRONMENTS),
    owner: KeyOwner,
    status: z.enum(KEY_STATUSES),
    description: z.string().nullable(),
    metadata: z.record(z.string(), z.string()),
    expires_at: z.iso.datetime().nullable(),
    expires_in_days: z.int().nullable().describe('Whole days that are left, rounded up; 0 once it has expired.'),
    rate_limit: RateLimitView.nullable().describe("The key's own; null: what its template and the plan say."),
    concurrency: z.int().nullable().describe("The key's own; null: what its template and the plan say."),
    ip_allow_list: z.array(z.string()).describe('Addresses and ranges it may be used from; empty: from everywhere.'),
    origin: z.enum(['latchkey', 'workos']).describe('Where the key was made.'),
    rotated_from: z.string().nullable().describe('The key that this one replaced.'),
    rotated_to: z.string().nullable().describe('The key that replaced this one.'),
    created_by: z.object({ kind: z.string(), id: z.string() }),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
    revoked_at: z.iso.datetime().nullable(),
    last_used_at: z.iso.datetime().nullable().describe('When the key was last good for what it was used for.'),
  })
  .meta({ id: 'ApiKey' });

export const CreatedApiKey = ApiKey.extend({
  value: z.string().describe('The full secret. Given once, in this answer; there is no way to read it again.'),
}).meta({ id: 'CreatedApiKey' });

export const ApiKeyList = listOf(ApiKey).meta({ id: 'ApiKeyList' });

export const Revoked = z.object({ status: z.literal('revoked') });

const RotateKeyBody = z
  .strictObject({
    grace_seconds: z
      .int()
      .min(0)
      .max(MAX_GRACE_SECONDS)
      .default(0)
      .describe('How long the old secret goes on working; 0 ends it as soon as the new one is active.'),
  })
  .prefault({})
  .meta({ id: 'RotateApiKey' });

const KeyParams = z.object({ id: z.string().max(1024).describe('The id of the key.') });

export type KeySchemas = ReturnType<typeof makeKeySchemas>;

const OWNER_FILTER = z
  .enum(['organization', 'user', 'me'])
  .describe("Keys of the organization, of any of its people, or the caller's own.");

function ownerOf({ keyOwners }: Pick<Catalogue, 'keyOwners'>) {
  return z
    .enum(keyOwners)
    .default(keyOwners[0]!)
    .describe("Whose key it is: the organization's, or the caller's own, which is a person then.");
}

const listFilters = {
  ...pageQuery,
  status: z.enum(KEY_STATUSES).optional(),
  environment: z.enum(ENVIRONMENTS).optional(),
  owner: OWNER_FILTER.optional(),
  expires_before: time('Give a time in ISO 8601, such as 2027-01-31T12:00:00Z.')
    .optional()
    .describe('Keys that end, or have ended, before this.'),
  q: text({ min: 1, max: 100 }).optional().describe('Part of the label, in any case.'),
};

/** The schemas of keys; the permission sets and scopes are closed lists that the product's configuration gives. */
export function makeKeySchemas(choice: Choice & Pick<Catalogue, 'keyOwners'>, clock: Clock) {
  const { sets, chosenScopes } = choice;
  const from = sets[0] ? { permission_set: sets[0].name } : { scopes: chosenScopes.slice(0, 1) };
  const permissionSet = permissionSetOf(choice);
  const end = expiryFields(clock);

  return {
    CreateKeyBody: z
      .strictObject({
        label,
        ...choiceFields(choice, permissionSet),
        environment,
        owner: ownerOf(choice),
        description: description.optional(),
        metadata: metadata.optional(),
        ...end,
        rate_limit: rateLimit.nullish(),
        concurrency: concurrency.nullish(),
        ip_allow_list: ipAllowList.nullish(),
        organization_id: z.string().max(128).optional().describe("Must be the credential's organization, if given."),
      })
      .refine((sent) => !isFreeChoice(choice) || isOneChoice(sent), ONE_CHOICE)
      .refine(isOneExpiry, ONE_EXPIRY)
      .meta({ id: 'CreateApiKey', example: { label: 'CI runner — staging', ...from }, ...choiceMeta(choice) }),
    UpdateKeyBody: z
      .strictObject({
        label: label.optional(),
        description: description.nullable().optional(),
        metadata: metadata.optional().describe('Replaces what is there.'),
        rate_limit: rateLimit.nullish(),
        concurrency: concurrency.nullish(),
        ip_allow_list: ipAllowList.nullish(),
        ...end,
      })
      .refine(isOneExpiry, ONE_EXPIRY)
      .refine((change) => Object.keys(change).length > 0, 'Give at least one field to change.')
      .meta({ id: 'UpdateApiKey' }),
    ListKeysQuery: z.strictObject({ ...listFilters, ...setFilter(choice, permissionSet) }),
    RotateKeyBody,
    KeyParams,
  };
}

type Granting = Pick<Catalogue, 'grantedTo' | 'grantedToPerson' | 'followsSet'>;
export type ViewKey = (key: Key, seen: SeenKey) => z.input<typeof ApiKey>;
/** `ownerHolds` is what the person may do whose key it is. */
export type SeenKey = { now: Date; lastUsedAt?: Date | undefined; ownerHolds?: readonly string[] | undefined };

/** A key as people see it, with what it may be used for now. */
export function makeViewKey({ grantedTo, grantedToPerson, followsSet }: Granting): ViewKey {
  return (key, { now, lastUsedAt, ownerHolds = [] }) => ({
    ...viewKey(key, now, lastUsedAt),
    effective_scopes: [
      ...(key.ownerUserId === undefined
        ? grantedTo(key.permissionSet, key.scopes)
        : grantedToPerson(key.permissionSet, key.scopes, ownerHolds)),
    ],
    scopes_follow_set: followsSet(key.permissionSet),
  });
}

/** What follows from the key alone. */
export function viewKey(key: Key, now: Date, lastUsedAt?: Date) {
  return {
    id: key.id,
    label: key.label,
    prefix: key.prefix,
    permission_set: key.permissionSet ?? null,
    scopes: [...key.scopes],
    environment: key.environment,
    owner: viewOwner(key),
    status: statusOf(key, now),
    description: key.description ?? null,
    metadata: { ...key.metadata },
    expires_at: key.expiresAt?.toISOString() ?? null,
    expires_in_days: key.expiresAt ? daysLeft(key.expiresAt, now) : null,
    rate_limit: key.rateLimit ? viewRateLimit(key.rateLimit) : null,
    concurrency: key.concurrency ?? null,
    ip_allow_list: [...key.ipAllowList],
    origin: key.origin,
    rotated_from: key.rotatedFrom ?? null,
    rotated_to: key.rotatedTo ?? null,
    created_by: key.createdBy,
    created_at: key.createdAt.toISOString(),
    updated_at: key.updatedAt.toISOString(),
    revoked_at: key.revokedAt?.toISOString() ?? null,
    last_used_at: lastUsedAt?.toISOString() ?? null,
  };
}

export function viewOwner({ ownerUserId, organizationId }: Pick<Key, 'ownerUserId' | 'organizationId'>) {
  return ownerUserId === undefined
    ? { type: 'organization' as const, id: organizationId }
    : { type: 'user' as const, id: ownerUserId };
}

function daysLeft(end: Date, now: Date): number {
  return Math.max(0, Math.ceil((end.getTime() - now.getTime()) / DAY_MS));
}

export function viewRateLimit({ limit, windowSeconds }: RateLimit) {
  return { limit, window_seconds: windowSeconds };
}

export function readRateLimit(sent: z.output<typeof RateLimitView>): RateLimit {
  return { limit: sent.limit, windowSeconds: sent.window_seconds };
}
