import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { listOf, pageQuery } from '../http/pagination.ts';
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
} from './rules/key-choice.ts';
import type { Choice } from './rules/key-choice.ts';
import { ONE_EXPIRY, expiryFields, isOneExpiry } from './rules/key-expiry.ts';
import { changedSettings, newSettings, shownSettings, viewSettings } from './key-settings.ts';
import { ENVIRONMENTS, KEY_ORIGINS, KEY_STATUSES, statusOf } from './key.ts';
import type { Key } from './key.ts';
import { KEY_SORTS } from './rows/key-list.ts';

/** The longest grace of a rotation: a week. */
export const MAX_GRACE_SECONDS = 7 * 24 * 60 * 60;
const DAY_MS = 24 * 60 * 60 * 1_000;

const environment = z
  .enum(ENVIRONMENTS)
  .default('live')
  .describe('`test` creates a test key, which opens nothing live. Refused where the product has no test environment.');

export const KeyOwner = z
  .object({
    type: z.enum(['organization', 'user']).describe('`user` for a personal key.'),
    id: z.string().describe('The id of the organization or person at WorkOS.'),
  })
  .meta({ id: 'ApiKeyOwner', description: 'The owner of the key.' });

/** The creator of a key, as webhooks show it. */
export const Creator = z
  .object({
    kind: z.string().describe('Kind of the caller that created the key, such as `user`; `workos` if created there.'),
    id: z.string().describe('Id of that caller.'),
  })
  .describe('The creator of the key.');

const name = {
  name: z
    .string()
    .nullable()
    .describe(
      'Name of the person, remembered for a day. One that is not remembered is null, and asked from WorkOS within seconds.',
    ),
};

const NamedActor = z.object({
  kind: z.string().describe('Kind of the caller, such as `user`.'),
  id: z.string().describe('Id of that caller.'),
  ...name,
});

export const ApiKey = z
  .object({
    id: z.string().describe('The id of the key at WorkOS; of an imported key `imp_…`.'),
    prefix: z.string().describe('Obfuscated form of the secret, safe to display.'),
    permission_set: z
      .string()
      .nullable()
      .describe('The permission set that the key was made from; null for a key with chosen scopes.'),
    scopes: z.array(z.string()).describe('The scopes that the key was made with.'),
    effective_scopes: z
      .array(z.string())
      .describe('The scopes that the key grants now while it is active, implied scopes included.'),
    scopes_follow_set: z
      .boolean()
      .describe('Whether the key gets the current scopes of its permission set, instead of those it was made with.'),
    environment: z.enum(ENVIRONMENTS).describe('`test` for a test key.'),
    owner: KeyOwner,
    status: z.enum(KEY_STATUSES).describe('`expired` once `expires_at` has passed, suspended or not.'),
    ...shownSettings,
    expires_at: z.iso.datetime().nullable().describe('When the key expires; null: never.'),
    expires_in_days: z.int().nullable().describe('Whole days until the key expires, rounded up; 0 after that.'),
    origin: z
      .enum(KEY_ORIGINS)
      .describe('Where the key was created; `ci`: by a CI job, under a CI policy; `imported`: in another system.'),
    rotated_from: z.string().nullable().describe('The key that this one replaced.'),
    rotated_to: z.string().nullable().describe('The key that replaced this one.'),
    created_by: Creator.extend(name).describe('The creator of the key.'),
    created_at: z.iso.datetime().describe('When the key was created.'),
    updated_at: z.iso.datetime().describe('When the key last changed.'),
    revoked_at: z.iso.datetime().nullable().describe('When the key was revoked; null: it is not.'),
    suspended_at: z.iso.datetime().nullable().describe('When the key was suspended; null: it is not.'),
    suspended_by: NamedActor.nullable().describe('The caller that suspended it; null: it is not suspended.'),
    suspension_reason: z.string().nullable().describe('The reason that this caller gave, if any.'),
    leaked_at: z.iso
      .datetime()
      .nullable()
      .describe('When a scanner first reported the key as published; null: none has.'),
    last_used_at: z.iso.datetime().nullable().describe('When a verification last accepted the key.'),
  })
  .meta({ id: 'ApiKey' });

export const CreatedApiKey = ApiKey.extend({
  value: z.string().describe('The full secret. This answer is the only one that has it; store it now.'),
}).meta({ id: 'CreatedApiKey' });

export const JudgedApiKey = ApiKey.pick({
  label: true,
  permission_set: true,
  scopes: true,
  environment: true,
  owner: true,
  expires_at: true,
}).meta({ id: 'JudgedApiKey' });

const KeyPage = listOf(ApiKey);
export const ApiKeyList = KeyPage.extend({
  list_metadata: KeyPage.shape.list_metadata.extend({
    total: z
      .int()
      .nullable()
      .optional()
      .describe('With `count`: how many keys the filters find; null for an organization of more than 20,000 keys.'),
  }),
}).meta({ id: 'ApiKeyList' });

export const Revoked = z.object({ status: z.literal('revoked') });

const RotateKeyBody = z
  .strictObject({
    grace_seconds: z
      .int()
      .min(0)
      .max(MAX_GRACE_SECONDS)
      .default(0)
      .describe('Seconds that the old key goes on working; 0: it stops as soon as the new one is active.'),
  })
  .prefault({})
  .meta({ id: 'RotateApiKey' });

const KeyParams = z.object({ id: z.string().max(1024).describe('The id of the key.') });

export type KeySchemas = ReturnType<typeof makeKeySchemas>;

const OWNER_FILTER = z
  .enum(['organization', 'user', 'me'])
  .describe("`organization`: the organization's own keys; `user`: personal keys of anyone; `me`: the caller's own.");

function ownerOf({ keyOwners }: Pick<Catalogue, 'keyOwners'>) {
  return z
    .enum(keyOwners)
    .default(keyOwners[0]!)
    .describe('`organization`, or `user` for a personal key of the caller, who must be a signed-in person.');
}

const listFilters = {
  ...pageQuery,
  status: z.enum(KEY_STATUSES).optional(),
  environment: z.enum(ENVIRONMENTS).optional(),
  owner: OWNER_FILTER.optional(),
  origin: z
    .enum(KEY_ORIGINS)
    .optional()
    .describe('Where the keys were created; if not given, all but those of CI jobs.'),
  expires_before: time('Give a time in ISO 8601, such as 2027-01-31T12:00:00Z.')
    .optional()
    .describe('Keys whose expiry is before this time, whether it has passed or not.'),
  q: text({ min: 1, max: 100 })
    .optional()
    .describe('Part of the label, ignoring case; the last four characters of the secret; or the id.'),
  sort: z
    .enum(KEY_SORTS)
    .default('-created_at')
    .describe(
      'The order of the list, in which `after` is further on: oldest first, newest first, by expiry with keys that have none last, or by label, ignoring the case of A to Z.',
    ),
  count: z
    .enum(['true', 'false'])
    .default('false')
    .transform((value) => value === 'true')
    .meta({ override: { type: 'boolean', enum: [true, false], default: false } })
    .describe('Whether `list_metadata` has `total`.'),
};

/** Makes the schemas of keys. Permission sets and scopes are the closed lists of the product's configuration. */
export function makeKeySchemas(choice: Choice & Pick<Catalogue, 'keyOwners'>, clock: Clock) {
  const { sets, chosenScopes } = choice;
  const from = sets[0] ? { permission_set: sets[0].name } : { scopes: chosenScopes.slice(0, 1) };
  const permissionSet = permissionSetOf(choice);
  const expiry = expiryFields(clock);

  return {
    CreateKeyBody: z
      .strictObject({
        ...newSettings,
        ...choiceFields(choice, permissionSet),
        environment,
        owner: ownerOf(choice),
        ...expiry,
        organization_id: z
          .string()
          .max(128)
          .optional()
          .describe("If given, it must be the organization of the caller's credential."),
      })
      .refine((sent) => !isFreeChoice(choice) || isOneChoice(sent), ONE_CHOICE)
      .refine(isOneExpiry, ONE_EXPIRY)
      .meta({ id: 'CreateApiKey', example: { label: 'CI runner — staging', ...from }, ...choiceMeta(choice) }),
    UpdateKeyBody: z
      .strictObject({ ...changedSettings, ...expiry })
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
/** `ownerHolds`: the scopes of a personal key's owner. */
export type SeenKey = { now: Date; lastUsedAt?: Date | undefined; ownerHolds?: readonly string[] | undefined };

/** Makes the view of a key with the scopes that it grants now. */
export function makeViewKey(
  { grantedTo, grantedToPerson, followsSet }: Granting,
  nameOf: (creator: Key['createdBy']) => string | null,
): ViewKey {
  return (key, { now, lastUsedAt, ownerHolds = [] }) => ({
    ...viewKey(key, now, lastUsedAt),
    created_by: { ...key.createdBy, name: nameOf(key.createdBy) },
    suspended_by: key.suspension ? { ...key.suspension.by, name: nameOf(key.suspension.by) } : null,
    effective_scopes: [
      ...(key.ownerUserId === undefined
        ? grantedTo(key.permissionSet, key.scopes)
        : grantedToPerson(key.permissionSet, key.scopes, ownerHolds)),
    ],
    scopes_follow_set: followsSet(key.permissionSet),
  });
}

/** Shows what follows from the key alone. */
export function viewKey(key: Key, now: Date, lastUsedAt?: Date) {
  return {
    id: key.id,
    prefix: key.prefix,
    permission_set: key.permissionSet ?? null,
    scopes: [...key.scopes],
    environment: key.environment,
    owner: viewOwner(key),
    status: statusOf(key, now),
    ...viewSettings(key),
    expires_at: key.expiresAt?.toISOString() ?? null,
    expires_in_days: key.expiresAt ? daysLeft(key.expiresAt, now) : null,
    origin: key.origin,
    rotated_from: key.rotatedFrom ?? null,
    rotated_to: key.rotatedTo ?? null,
    created_by: key.createdBy,
    created_at: key.createdAt.toISOString(),
    updated_at: key.updatedAt.toISOString(),
    revoked_at: key.revokedAt?.toISOString() ?? null,
    suspended_at: key.suspension?.at.toISOString() ?? null,
    leaked_at: key.leakedAt?.toISOString() ?? null,
    suspension_reason: key.suspension?.reason ?? null,
    last_used_at: lastUsedAt?.toISOString() ?? null,
  };
}

export function viewOwner({ ownerUserId, organizationId }: Pick<Key, 'ownerUserId' | 'organizationId'>) {
  return ownerUserId === undefined
    ? { type: 'organization' as const, id: organizationId }
    : { type: 'user' as const, id: ownerUserId };
}

function daysLeft(expiresAt: Date, now: Date): number {
  return Math.max(0, Math.ceil((expiresAt.getTime() - now.getTime()) / DAY_MS));
}
