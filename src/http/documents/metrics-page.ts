import { setTimeout as sleep } from 'node:timers/promises';
import { Router } from 'express';
import type { Registry } from 'prom-client';
import { onlyGet } from './only-get.ts';

/** A reading takes some 5 ms of the event loop; even constant scraping takes at most a twentieth of it. */
const READING_INTERVAL_MS = 100;

/** `scrape` reads the metrics of this process, or of all of its machine. */
type Scraped = { registry: Pick<Registry, 'contentType'>; scrape: () => Promise<string> };

/** Serves `/metrics`, which names no organization, key or address. Concurrent scrapes share one reading. */
export function makeMetricsPage({ registry, scrape }: Scraped): Router {
  const router = Router();
  let reading: Promise<Buffer> | undefined;
  let readAtMs = -Infinity;

  async function readInTurn(): Promise<Buffer> {
    await sleep(Math.max(0, readAtMs + READING_INTERVAL_MS - performance.now()));
    const text = await scrape();
    readAtMs = performance.now();
    return Buffer.from(text);
  }

  router.get('/metrics', async (_req, res) => {
    res.locals['route'] = '/metrics';
    reading ??= readInTurn().finally(() => (reading = undefined));
    res.type(registry.contentType).send(await reading);
  });
  router.all('/metrics', onlyGet);
  return router;
}
