import { randomFillSync } from 'node:crypto';
import type { LeasedSlot } from '../limiter.ts';

/** Every part is bounded, so that a long id is not read to its end. */
const LEASE_ID = /^lease_(org_\w{1,60})\.(\w{1,64})\.([0-9a-f]{32})$/;
const TOKEN_BYTES = 16;
const TOKENS_AT_ONCE = 256;

export function leaseId({ organizationId, keyId, token }: LeasedSlot): string {
  return `lease_${organizationId}.${keyId}.${token}`;
}

/** @returns undefined for a malformed id */
export function parseLease(id: string): LeasedSlot | undefined {
  const [, organizationId, keyId, token] = LEASE_ID.exec(id) ?? [];
  if (organizationId === undefined || keyId === undefined || token === undefined) return undefined;
  return { organizationId, keyId, token };
}

/** Makes tokens of 128 random bits, drawn many at once: one draw costs more than a whole decision. */
export function makeTokens(): () => string {
  const drawn = Buffer.alloc(TOKEN_BYTES * TOKENS_AT_ONCE);
  let used = drawn.length;
  return () => {
    if (used === drawn.length) {
      randomFillSync(drawn);
      used = 0;
    }
    used += TOKEN_BYTES;
    return drawn.toString('hex', used - TOKEN_BYTES, used);
  };
}
