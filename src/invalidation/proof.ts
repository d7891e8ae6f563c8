import { AppError } from '../errors.ts';

type Options = {
  /** The only process on its database, which needs no proof. */
  alone: boolean;
  /** How long memory answers, marked `stale`, when there is no proof any more. */
  graceMs: number;
  /** The monotonic clock. */
  nowMs: () => number;
  onExpiry: () => void;
};

/** So long a beat proves that its server is the primary; how old an answer may be at worst. */
export const PROOF_MS = 3_000;
const RETRY_SECONDS = 1;

/** When the database has last shown, by committing a beat, that it is the primary. */
export function makeProof({ alone, graceMs, nowMs, onExpiry }: Options) {
  let provenAtMs = alone ? Infinity : -Infinity;
  let expiry: NodeJS.Timeout | undefined;
  const isProven = (): boolean => nowMs() - provenAtMs < PROOF_MS;

  return {
    /** Whether what the database says may be believed. */
    isProven,

    /** Whether memory that may not be believed answers all the same. */
    mayServeStale: (): boolean => graceMs > 0 && nowMs() - provenAtMs < PROOF_MS + graceMs,

    /** @throws AppError `database_unavailable` */
    assertProven(): void {
      if (isProven()) return;
      throw new AppError('database_unavailable', 'The database has not shown for 3 seconds that it is the primary.', {
        details: { retry_after: RETRY_SECONDS },
      });
    },

    beatAgeSeconds: (): number => (nowMs() - provenAtMs) / 1_000,

    /** A beat was committed after this moment. */
    note(atMs: number): void {
      provenAtMs = Math.max(provenAtMs, atMs);
      if (provenAtMs === Infinity) return;
      clearTimeout(expiry);
      // A timer may come a fraction of a millisecond early.
      expiry = setTimeout(onExpiry, Math.max(0, provenAtMs + PROOF_MS - nowMs()) + 1).unref();
    },
  };
}
