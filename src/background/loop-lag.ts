import type { Loop } from './loop.ts';

/** Seconds that the oldest work of each loop has waited: as the loop says, else since its last completed step here. */
export async function lagOf(
  loops: readonly Pick<Loop, 'name' | 'lagSeconds'>[],
  sinceStepSeconds: (name: string) => number | undefined,
): Promise<Record<string, number>> {
  const lags: Record<string, number> = {};
  // One after the other: a scrape needs no more than one connection.
  for (const { name, lagSeconds } of loops) {
    const lag = lagSeconds ? await lagSeconds().catch(() => undefined) : sinceStepSeconds(name);
    if (lag !== undefined) lags[name] = lag;
  }
  return lags;
}

/** How many dead letters each loop has. */
export async function deadLettersOf(loops: readonly Loop[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const loop of loops) if ('items' in loop) counts[loop.name] = await loop.items.count();
  return counts;
}
