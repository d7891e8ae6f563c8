import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RequestContext } from '../http/route.ts';
import type { GiveBack } from '../limits/leases/give-back.ts';
import type { Decision } from './decide.ts';

/** Awaits all decisions. If one fails, releases the leases of the others and throws. */
export async function allOrNone(giveBack: GiveBack, judging: readonly Promise<Decision>[]): Promise<Decision[]> {
  const all = await Promise.allSettled(judging);
  const decisions = all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failure = all.find((one) => one.status === 'rejected');
  if (!failure) return decisions;
  for (const lease of leasesOf(decisions)) giveBack(lease);
  throw failure.reason;
}

/** Releases leases whose answer cannot be sent. */
export async function keepLeases(
  giveBack: GiveBack,
  { ifUnsent }: Pick<RequestContext, 'ifUnsent'>,
  decisions: readonly Decision[],
): Promise<void> {
  const leases = leasesOf(decisions);
  if (leases.length === 0) return;
  ifUnsent(() => leases.forEach(giveBack));
  // By the end of the next turn, a client that left right after its request is known to be gone.
  await nextTurn();
  await nextTurn();
}

function leasesOf(decisions: readonly Decision[]): string[] {
  return decisions.flatMap(({ taken }) => (taken?.lease ? [taken.lease.id] : []));
}
