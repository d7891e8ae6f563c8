import { leaseId, makeTokens } from './lease-id.ts';
import type { LeasedSlot } from '../limiter.ts';

type Held = { organizationId: string; keyId: string; expiresAtMs: number };

/** Leases of concurrency slots in this process, on a monotonic clock. */
export function makeLeases({ leaseMs }: { leaseMs: number }) {
  // All leases last equally long, so the first entry of the Map expires first.
  const held = new Map<string, Held>();
  const inFlight = new Map<string, number>();
  const nextToken = makeTokens();
  /** The earliest expiry. Kept, because finding the first entry of a Map after many deletions is slow. */
  let nextExpiryMs = Infinity;

  function drop(token: string, { keyId }: Held): void {
    held.delete(token);
    const left = (inFlight.get(keyId) ?? 0) - 1;
    if (left > 0) inFlight.set(keyId, left);
    else inFlight.delete(keyId);
  }

  function dropExpired(nowMs: number): void {
    if (nowMs < nextExpiryMs) return;
    nextExpiryMs = Infinity;
    for (const [token, lease] of held) {
      if (lease.expiresAtMs > nowMs) {
        nextExpiryMs = lease.expiresAtMs;
        return;
      }
      drop(token, lease);
    }
  }

  return {
    hasSlot(keyId: string, concurrency: number, nowMs: number): boolean {
      dropExpired(nowMs);
      return (inFlight.get(keyId) ?? 0) < concurrency;
    },

    /** @returns the lease's id */
    take(organizationId: string, keyId: string, nowMs: number): string {
      const token = nextToken();
      const expiresAtMs = nowMs + leaseMs;
      held.set(token, { organizationId, keyId, expiresAtMs });
      inFlight.set(keyId, (inFlight.get(keyId) ?? 0) + 1);
      nextExpiryMs = Math.min(nextExpiryMs, expiresAtMs);
      return leaseId({ organizationId, keyId, token });
    },

    /** @returns whether this process held it, for this key of this organization */
    release({ organizationId, keyId, token }: LeasedSlot): boolean {
      const lease = held.get(token);
      if (lease?.organizationId !== organizationId || lease.keyId !== keyId) return false;
      drop(token, lease);
      return true;
    },

    size: (): number => held.size,
  };
}
