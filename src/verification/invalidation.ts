import { z } from 'zod';

/** Something that verification knows has changed: one key, or everything of an organization. */
export type Invalidation = { organizationId: string; keyId?: string | undefined };

export const INVALIDATION_CHANNEL = 'latchkey_invalidations';

const Payload = z.tuple([z.string(), z.string().nullable()]);

/** @returns undefined for a payload that is not ours to read; whoever hears it must assume that anything changed. */
export function parseInvalidation(payload: string | undefined): Invalidation | undefined {
  try {
    const [organizationId, keyId] = Payload.parse(JSON.parse(payload ?? ''));
    return { organizationId, keyId: keyId ?? undefined };
  } catch {
    return undefined;
  }
}
