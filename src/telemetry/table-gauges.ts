export type GaugeOptions = { name: string; help: string; label: string };
/** Values by label. */
export type Values = Readonly<Record<string, number>>;

/**
 * Gauges over tables. A scrape returns the last reading, so that scraping puts no load on the database; a loop calls
 * `read`.
 */
export function makeTableGauges(addGauge: (options: GaugeOptions, read: () => Values) => void) {
  const readings: (() => Promise<void>)[] = [];
  return {
    add(options: GaugeOptions, read: () => Promise<Values>): void {
      let last: Values = {};
      addGauge(options, () => last);
      readings.push(async () => {
        // A failed reading leaves the gauge out instead of repeating an old value.
        last = await read().catch((error: unknown) => {
          last = {};
          throw error;
        });
      });
    },

    /** Reads all gauges, one after the other. @throws AggregateError of the failed ones, after all were tried */
    async read(): Promise<void> {
      const failures: unknown[] = [];
      for (const reading of readings) await reading().catch((error: unknown) => failures.push(error));
      if (failures.length > 0) throw new AggregateError(failures, 'failed to read gauges from tables');
    },
  };
}
