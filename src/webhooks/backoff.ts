const BASE_MS = 5_000;
const MAX_MS = 60 * 60_000;

/** Returns the wait after so many attempts: doubled each time, at most an hour, up to half of it jitter. */
export function backoffMs(attempts: number, random: () => number = Math.random): number {
  const full = Math.min(BASE_MS * 2 ** Math.min(attempts, 20), MAX_MS);
  return full * (0.5 + random() / 2);
}
