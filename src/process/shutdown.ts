type Close = () => Promise<void> | void;

export type Lifetime = ReturnType<typeof makeLifetime>;

/** Collects the closers of resources; `end` runs all of them once, newest first. */
export function makeLifetime() {
  const closers: Close[] = [];
  let ending: Promise<void> | undefined;

  async function closeAll(): Promise<void> {
    const failures: unknown[] = [];
    for (const close of closers.toReversed()) {
      try {
        await close();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'resources failed to close');
  }

  return {
    onEnd(close: Close): void {
      closers.push(close);
    },
    end(): Promise<void> {
      ending ??= closeAll();
      return ending;
    },
  };
}
