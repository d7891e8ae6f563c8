/** Something took longer than it may. */
export class DeadlinePassed extends Error {
  override readonly name = 'DeadlinePassed';
}

/**
 * Waits no longer than that many milliseconds; what was begun goes on, and its outcome is nobody's.
 * @throws DeadlinePassed
 */
export function within<T>(milliseconds: number, begun: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    // Should this process have been busy, the answer may be here and not yet read: it is read before the immediate runs.
    const timer = setTimeout(() => setImmediate(() => reject(new DeadlinePassed())), milliseconds);
    begun.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
