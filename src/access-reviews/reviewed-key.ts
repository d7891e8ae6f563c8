import { z } from 'zod';
import type { Key } from '../api-keys/key.ts';
import { ApiKey, viewKey } from '../api-keys/key-schemas.ts';

/** What a review finds in an active key, and when. The list is closed. */
export const FINDING_MEANINGS = {
  unused: 'no valid use for 90 days, or since its creation before that',
  creator_left:
    'the person who made it is no longer a member, by WorkOS: its events, and its answers about creators of whom none came',
  never_expires: 'it has no expiry',
  unused_scopes: 'it grants scopes that no valid use of the last 90 days required',
} as const;
export type Finding = keyof typeof FINDING_MEANINGS;
export const FINDINGS = Object.keys(FINDING_MEANINGS) as [Finding, ...Finding[]];

/** Without use for so long a key, or a scope of it, is unused. */
export const UNUSED_DAYS = 90;

/** An active key, and what is known of its use. */
export type ReviewedKey = {
  key: Key;
  findings: readonly Finding[];
  lastUsedAt: Date | undefined;
  /** Scopes that valid uses of the last 90 days required; undefined: none named any, or none was recorded. */
  usedScopes: readonly string[] | undefined;
  unusedScopes: readonly string[];
};

const list = FINDINGS.map((name) => `\`${name}\`: ${FINDING_MEANINGS[name]}`).join('; ');

export const ReviewedKeyView = ApiKey.pick({
  id: true,
  label: true,
  prefix: true,
  permission_set: true,
  scopes: true,
  environment: true,
  owner: true,
  status: true,
  created_by: true,
  created_at: true,
  expires_at: true,
})
  .extend({
    last_used_at: z.iso.datetime().nullable().describe('Its last valid use; null: never.'),
    findings: z.array(z.enum(FINDINGS)).min(1).describe(`What to look at. ${list}.`),
    used_scopes: z
      .array(z.string())
      .nullable()
      .describe('Scopes that valid uses of the last 90 days required; null where none named a scope.'),
    unused_scopes: z
      .array(z.string())
      .describe('Scopes that it grants and that none of these uses required; empty where that is not known.'),
  })
  .meta({ id: 'ReviewedApiKey' });

type Named = { now: Date; nameOf: (creator: Key['createdBy']) => string | null };

export function viewReviewed(
  { key, findings, lastUsedAt, usedScopes, unusedScopes }: ReviewedKey,
  { now, nameOf }: Named,
): z.input<typeof ReviewedKeyView> {
  return {
    ...viewKey(key, now),
    created_by: { ...key.createdBy, name: nameOf(key.createdBy) },
    last_used_at: lastUsedAt?.toISOString() ?? null,
    findings: [...findings],
    used_scopes: usedScopes ? [...usedScopes] : null,
    unused_scopes: [...unusedScopes],
  };
}
