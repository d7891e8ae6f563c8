import { makeBoundedCache } from '../bounded-cache.ts';
import type { RateLimit } from './limits.ts';

type Window = { count: number; lengthMs: number; endsAtMs: number };

export type Windows = ReturnType<typeof makeWindows>;

/**
 * Fixed windows by name, on a monotonic clock. The first counted request begins a window.
 *
 * At most `max` windows are kept: beyond them the least recently used one is forgotten, and its name may pass its limit
 * early. No name is refused because of others.
 */
export function makeWindows({ max }: { max: number }) {
  const windows = makeBoundedCache<Window>({ max });

  /** Ignores a window of another length, which is of an earlier limit. */
  function current(name: string, lengthMs: number, nowMs: number): Window | undefined {
    const window = windows.get(name);
    return window !== undefined && window.lengthMs === lengthMs && window.endsAtMs > nowMs ? window : undefined;
  }

  return {
    look(name: string, rate: RateLimit, nowMs: number): { remaining: number; resetMs: number } {
      const lengthMs = rate.windowSeconds * 1_000;
      const window = current(name, lengthMs, nowMs);
      if (window === undefined) return { remaining: rate.limit, resetMs: lengthMs };
      return { remaining: Math.max(0, rate.limit - window.count), resetMs: window.endsAtMs - nowMs };
    },

    /** Counts a request that `look` has room for, and reduces `left.remaining`. */
    count(name: string, left: RateLimit & { remaining: number }, cost: number, nowMs: number): void {
      const lengthMs = left.windowSeconds * 1_000;
      const window = current(name, lengthMs, nowMs);
      if (window !== undefined) window.count += cost;
      else if (cost > 0) windows.set(name, { count: cost, lengthMs, endsAtMs: nowMs + lengthMs });
      left.remaining -= cost;
    },

    size: (): number => windows.size,
  };
}
