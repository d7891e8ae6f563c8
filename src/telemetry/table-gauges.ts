export type GaugeOptions = { name: string; help: string; label: string };
/** By label. */
export type Values = Readonly<Record<string, number>>;

/**
 * Gauges of what tables have. A scrape tells what was read last, so that nobody who scrapes can make the database work;
 * `read` is for a loop.
 */
export function makeTableGauges(addGauge: (options: GaugeOptions, read: () => Values) => void) {
  const readings: (() => Promise<void>)[] = [];
  return {
    add(options: GaugeOptions, read: () => Promise<Values>): void {
      let last: Values = {};
      addGauge(options, () => last);
      readings.push(async () => {
        // What cannot be read is left out, rather than told as it was.
        last = await read().catch((error: unknown) => {
          last = {};
          throw error;
        });
      });
    },

    /** Reads all of them, one after the other. @throws AggregateError of those that failed, after all were read */
    async read(): Promise<void> {
      const failures: unknown[] = [];
      for (const reading of readings) await reading().catch((error: unknown) => failures.push(error));
      if (failures.length > 0) throw new AggregateError(failures, 'some gauges could not be read');
    },
  };
}
