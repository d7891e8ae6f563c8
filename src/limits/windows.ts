import { LRUCache } from 'lru-cache';
import type { RateLimit } from './limits.ts';

type Window = { count: number; lengthMs: number; endsAtMs: number };

export type Windows = ReturnType<typeof makeWindows>;

/**
 * Fixed windows by name; the first request that counts begins one. Times are of a monotonic clock.
 *
 * Bounded in number: of too many, the one not asked for longest is forgotten, and its name begins a new window. So a name
 * may pass its limit again early, when `max` others were asked for since, and nobody is refused for what others do.
 */
export function makeWindows({ max }: { max: number }) {
  const windows = new LRUCache<string, Window>({ max });

  /** A window of another length is none: the limit was changed. */
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

    /** Counts what `look` has said there is room for, and takes it off what is left. */
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
