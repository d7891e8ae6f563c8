import type { Background } from '../../src/background/background.ts';

/** Returns a scrape after the worker has read the gauges of tables, which it does each minute. */
export async function metricsOf({ url, background }: { url: string; background: Background }): Promise<string> {
  await background.runOnce('read_gauges');
  return (await fetch(`${url}/metrics`)).text();
}
