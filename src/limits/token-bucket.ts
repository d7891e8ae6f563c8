type Options = {
  /** How many tokens it gets in each `everyMs`, and holds at most; at least 1. */
  tokens: () => number;
  everyMs: number;
  /** The monotonic clock. */
  nowMs: () => number;
};

/** A token bucket, full at the beginning. */
export function makeTokenBucket({ tokens, everyMs, nowMs }: Options) {
  const capacity = () => Math.max(1, tokens());
  let left = capacity();
  let countedAtMs = nowMs();
  return {
    /** @returns whether a token was left */
    take(): boolean {
      const now = nowMs();
      left = Math.min(capacity(), left + ((now - countedAtMs) / everyMs) * tokens());
      countedAtMs = now;
      if (left < 1) return false;
      left -= 1;
      return true;
    },
  };
}
