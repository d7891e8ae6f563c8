import type { Loop } from './loop.ts';

/** Returns by loop how long its oldest work has waited, in seconds; without a queue, the time since its last step here. */
export async function lagOf(
  loops: readonly Pick<Loop, 'name' | 'lagSeconds'>[],
  sinceStepSeconds: (name: string) => number | undefined,
): Promise<Record<string, number>> {
  const lags: Record<string, number> = {};
  // One after the other, so that a reading takes one connection.
  for (const { name, lagSeconds } of loops) {
    const lag = lagSeconds ? await lagSeconds().catch(() => undefined) : sinceStepSeconds(name);
    if (lag !== undefined) lags[name] = lag;
  }
  return lags;
}

/** Counts the dead letters of each loop. */
export async function deadLettersOf(loops: readonly Loop[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const loop of loops) if ('items' in loop) counts[loop.name] = await loop.items.count();
  return counts;
}
