/** A promise did not settle in time. */
export class DeadlinePassed extends Error {
  override readonly name = 'DeadlinePassed';
}

/**
 * Waits at most this many milliseconds for a promise. Its work goes on after that, and its outcome is ignored.
 * @throws DeadlinePassed
 */
export function within<T>(milliseconds: number, begun: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    // If this process was busy, the answer may have arrived unread: it is read before the immediate runs.
    const timer = setTimeout(() => setImmediate(() => reject(new DeadlinePassed())), milliseconds);
    begun.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
