import type { Usage, UsageCounts } from '../../client/client.ts';

const GOOD = 'valid';

/** The outcomes of some usage: accepted requests first, then the most frequent refusals. */
export function outcomesOf({ codes }: Pick<UsageCounts, 'codes'>): string[] {
  return Object.entries(codes)
    .filter(([, count]) => count > 0)
    .toSorted(([a, x], [b, y]) => Number(b === GOOD) - Number(a === GOOD) || y - x)
    .map(([code]) => code);
}

/** How many of the requests were refused. */
export function refusedOf({ total, codes }: UsageCounts): number {
  return total - (codes[GOOD] ?? 0);
}

export type Bar = Usage['data'][number];
