import { z } from 'zod';

/** A change of something in memory: one key, one session, or everything of an organization. */
export type Invalidation = { organizationId: string; keyId?: string | undefined; sessionId?: string | undefined };

/** A change with the number of its row in the log, if it has one. */
export type Announced = Invalidation & { id?: number | undefined };

export const INVALIDATION_CHANNEL = 'latchkey_invalidations';

/** PostgreSQL refuses a payload of 8,000 bytes. */
const MAX_PAYLOAD_BYTES = 7_999;

const Change = z.tuple([z.int().nullable(), z.string(), z.string().nullish(), z.string().nullish()]);
/** What the last release sends: one change, without the number of its row. */
const OneChange = z.tuple([z.string(), z.string().nullable(), z.string().optional()]);
const Payload = z.union([
  z.array(Change),
  OneChange.transform(([organizationId, keyId, sessionId]) => [[null, organizationId, keyId, sessionId] as const]),
]);

/**
 * Writes changes into as few payloads as take them, each `[[id, organization, key, session], …]`. A change that fits in
 * none is left out: it is read from the log.
 */
export function payloadsOf(changes: readonly Announced[]): string[] {
  const payloads: string[][] = [];
  let bytes = Infinity;
  for (const { id, organizationId, keyId, sessionId } of changes) {
    const text = JSON.stringify([id ?? null, organizationId, keyId ?? null, sessionId ?? null]);
    // With a comma or the brackets.
    const size = Buffer.byteLength(text) + 1;
    if (size + 1 > MAX_PAYLOAD_BYTES) continue;
    if (bytes + size > MAX_PAYLOAD_BYTES) {
      payloads.push([]);
      bytes = 1;
    }
    payloads.at(-1)!.push(text);
    bytes += size;
  }
  return payloads.map((texts) => `[${texts.join()}]`);
}

/** @returns undefined for an unreadable payload, after which anything may have changed */
export function parsePayload(payload: string | undefined): Announced[] | undefined {
  try {
    return Payload.parse(JSON.parse(payload ?? '')).map(([id, organizationId, keyId, sessionId]) => ({
      id: id ?? undefined,
      organizationId,
      keyId: keyId ?? undefined,
      ...(sessionId != null && { sessionId }),
    }));
  } catch {
    return undefined;
  }
}
