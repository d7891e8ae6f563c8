import { z } from 'zod';
import type { Clock } from '../clock.ts';
import type { Switches } from '../profile/switches.ts';
import { invalidRequest } from '../http/http-error.ts';

const MAX_NAME_LENGTH = 4_096;
const MAX_PERMISSIONS = 200;

/** A timestamp, converted to WorkOS's form (UTC, milliseconds). */
export const Timestamp = z.iso.datetime({ offset: true }).transform((text) => new Date(text).toISOString());

/** Keeps a runaway client from filling the disk; WorkOS documents no limits for names and lists. */
export const ApiKeyFields = z.object({
  name: z.string().trim().min(1).max(MAX_NAME_LENGTH),
  permissions: z
    .array(z.string().min(1).max(128))
    .max(MAX_PERMISSIONS)
    .default([])
    .transform((slugs) => [...new Set(slugs)]),
  expires_at: Timestamp.optional(),
});

export function assertFuture(clock: Clock, expiresAt: string | undefined): void {
  if (expiresAt === undefined || new Date(expiresAt) > clock()) return;
  throw invalidRequest([
    { field: 'expires_at', code: 'invalid_expiration', message: 'expires_at must be in the future.' },
  ]);
}

export function assertName({ key_name_max: most }: Pick<Switches, 'key_name_max'>, name: string): void {
  if (name.length <= most) return;
  throw invalidRequest([{ field: 'name', code: 'too_long', message: `name must be ${most} characters or fewer.` }]);
}
