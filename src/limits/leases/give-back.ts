import { parseLease } from './lease-id.ts';
import type { Limiter } from '../limiter.ts';

export type GiveBack = (leaseId: string) => void;

/** Releases a lease whose answer could not be sent. If that fails, the lease expires by itself. */
export function makeGiveBack({ release }: Pick<Limiter, 'release'>): GiveBack {
  return (leaseId) => {
    const slot = parseLease(leaseId);
    if (slot) release(slot).catch(() => undefined);
  };
}
