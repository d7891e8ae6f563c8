import { z } from 'zod';

/** A change of something in memory: one key, one session, or everything of an organization. */
export type Invalidation = { organizationId: string; keyId?: string | undefined; sessionId?: string | undefined };

export const INVALIDATION_CHANNEL = 'latchkey_invalidations';

const Payload = z.tuple([z.string(), z.string().nullable(), z.string().optional()]);

export function payloadOf({ organizationId, keyId, sessionId }: Invalidation): string {
  return JSON.stringify([organizationId, keyId ?? null, ...(sessionId === undefined ? [] : [sessionId])]);
}

/** @returns undefined for an unreadable payload, after which anything may have changed */
export function parseInvalidation(payload: string | undefined): Invalidation | undefined {
  try {
    const [organizationId, keyId, sessionId] = Payload.parse(JSON.parse(payload ?? ''));
    return { organizationId, keyId: keyId ?? undefined, ...(sessionId !== undefined && { sessionId }) };
  } catch {
    return undefined;
  }
}
