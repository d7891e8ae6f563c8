type Close = () => Promise<void> | void;

export type Lifetime = ReturnType<typeof makeLifetime>;

/** Resources register how to close themselves; `end` runs them newest first, all of them, once. */
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
    if (failures.length > 0) throw new AggregateError(failures, 'shutdown did not finish cleanly');
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
