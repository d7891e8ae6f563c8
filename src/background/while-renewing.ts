type Lease = {
  /** How long each renewal holds the lease. */
  leaseMs: number;
  /** Extends the lease, if this replica still holds it. */
  renew: (until: Date) => Promise<void>;
  now: () => Date;
};

/** How often a lease is renewed within its time. */
const RENEWALS = 3;

/**
 * Holds a lease during work of unknown length. One lease long enough for any work would block the others just as long
 * after a crash.
 */
export async function whileRenewing<T>({ leaseMs, renew, now }: Lease, work: () => Promise<T>): Promise<T> {
  let renewed = Promise.resolve();
  const timer = setInterval(() => {
    // The next renewal follows a failed one.
    renewed = renewed.then(() => renew(new Date(now().getTime() + leaseMs))).catch(() => undefined);
  }, leaseMs / RENEWALS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    await renewed;
  }
}
