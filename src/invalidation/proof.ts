import { AppError } from '../errors.ts';

type Options = {
  /** Whether this is the only process on its database, which needs no proof. */
  alone: boolean;
  /** How long memory still answers, marked `stale`, once the proof has expired. */
  graceMs: number;
  /** The monotonic clock. */
  nowMs: () => number;
  onExpiry: () => void;
};

/** How long a beat proves that its server is the primary: no answer is staler than this. */
export const PROOF_MS = 3_000;
const RETRY_SECONDS = 1;

/** Keeps when the database last committed a beat, and so was the primary. */
export function makeProof({ alone, graceMs, nowMs, onExpiry }: Options) {
  let provenAtMs = alone ? Infinity : -Infinity;
  let beatAtMs = provenAtMs;
  let isBehind = false;
  let expiry: NodeJS.Timeout | undefined;
  const isProven = (): boolean => nowMs() - provenAtMs < PROOF_MS;

  return {
    /** Whether the database is known to be the primary, and the mirror not behind WorkOS. */
    isProven,

    /** Whether the database is known to be the primary. */
    isPrimary: (): boolean => nowMs() - beatAtMs < PROOF_MS,

    /** Whether memory may answer although the proof has expired. */
    mayServeStale: (): boolean => graceMs > 0 && nowMs() - provenAtMs < PROOF_MS + graceMs,

    /** @throws AppError `database_unavailable` */
    assertProven(): void {
      if (isProven()) return;
      throw new AppError(
        'database_unavailable',
        isBehind
          ? 'The database stood still for a minute or more. Latchkey answers once it has read the events of WorkOS since.'
          : 'The database has not proved for 3 seconds that it is the primary. Try again shortly.',
        {
          details: { retry_after: RETRY_SECONDS },
        },
      );
    },

    beatAgeSeconds: (): number => (nowMs() - provenAtMs) / 1_000,

    /** Records that a beat was committed after this moment. It proves nothing while the mirror is behind WorkOS. */
    note(atMs: number, behind: boolean): void {
      beatAtMs = Math.max(beatAtMs, atMs);
      isBehind = behind;
      if (behind) return;
      provenAtMs = Math.max(provenAtMs, atMs);
      if (provenAtMs === Infinity) return;
      clearTimeout(expiry);
      // A timer may come a fraction of a millisecond early.
      expiry = setTimeout(onExpiry, Math.max(0, provenAtMs + PROOF_MS - nowMs()) + 1).unref();
    },
  };
}
