type Lease = {
  /** For how long it is held each time. */
  leaseMs: number;
  /** Holds it until then, if it is still held. */
  renew: (until: Date) => Promise<void>;
  now: () => Date;
};

/** How often in the time of a lease it is renewed. */
const RENEWALS = 3;

/**
 * Holds a lease for as long as the work takes, which nobody knows before. A lease that is long enough for any work would
 * keep that of a process that died from the next for as long.
 */
export async function whileRenewing<T>({ leaseMs, renew, now }: Lease, work: () => Promise<T>): Promise<T> {
  let renewed = Promise.resolve();
  const timer = setInterval(() => {
    // One that fails is followed by the next.
    renewed = renewed.then(() => renew(new Date(now().getTime() + leaseMs))).catch(() => undefined);
  }, leaseMs / RENEWALS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    await renewed;
  }
}
