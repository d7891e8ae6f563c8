import { leaseId, makeTokens } from './lease-id.ts';
import type { LeasedPlace } from '../limiter.ts';

type Held = { organizationId: string; keyId: string; endsAtMs: number };

/** Places among a key's concurrent requests, in this process. Times are of a monotonic clock. */
export function makeLeases({ leaseMs }: { leaseMs: number }) {
  // All leases last equally long, so the oldest, which a Map has first, ends first.
  const held = new Map<string, Held>();
  const inFlight = new Map<string, number>();
  const nextToken = makeTokens();
  /** No lease ends before. Kept, because to look for the first of a Map whose first were deleted is not cheap. */
  let nextEndMs = Infinity;

  function drop(token: string, { keyId }: Held): void {
    held.delete(token);
    const left = (inFlight.get(keyId) ?? 0) - 1;
    if (left > 0) inFlight.set(keyId, left);
    else inFlight.delete(keyId);
  }

  function dropEnded(nowMs: number): void {
    if (nowMs < nextEndMs) return;
    nextEndMs = Infinity;
    for (const [token, lease] of held) {
      if (lease.endsAtMs > nowMs) {
        nextEndMs = lease.endsAtMs;
        return;
      }
      drop(token, lease);
    }
  }

  return {
    hasPlace(keyId: string, concurrency: number, nowMs: number): boolean {
      dropEnded(nowMs);
      return (inFlight.get(keyId) ?? 0) < concurrency;
    },

    /** @returns the lease's id */
    take(organizationId: string, keyId: string, nowMs: number): string {
      const token = nextToken();
      const endsAtMs = nowMs + leaseMs;
      held.set(token, { organizationId, keyId, endsAtMs });
      inFlight.set(keyId, (inFlight.get(keyId) ?? 0) + 1);
      nextEndMs = Math.min(nextEndMs, endsAtMs);
      return leaseId({ organizationId, keyId, token });
    },

    /** @returns whether it was held here, by this key of this organization */
    release({ organizationId, keyId, token }: LeasedPlace): boolean {
      const lease = held.get(token);
      if (lease?.organizationId !== organizationId || lease.keyId !== keyId) return false;
      drop(token, lease);
      return true;
    },

    size: (): number => held.size,
  };
}
