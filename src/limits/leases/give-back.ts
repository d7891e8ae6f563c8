import { parseLease } from './lease-id.ts';
import type { Limiter } from '../limiter.ts';

export type GiveBack = (leaseId: string) => void;

/** Gives back leases that nobody will: those whose answer could not be sent. What cannot be given back ends by itself. */
export function makeGiveBack({ release }: Pick<Limiter, 'release'>): GiveBack {
  return (leaseId) => {
    const place = parseLease(leaseId);
    if (place) release(place).catch(() => undefined);
  };
}
