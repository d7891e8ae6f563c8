import { Router } from 'express';
import type { Registry } from 'prom-client';
import { onlyGet } from './only-get.ts';

/** What Prometheus scrapes. It names no organization, key or address. */
export function makeMetricsPage({ registry }: { registry: Registry }): Router {
  const router = Router();
  router.get('/metrics', async (_req, res) => {
    res.locals['route'] = '/metrics';
    res.type(registry.contentType).send(await registry.metrics());
  });
  router.all('/metrics', onlyGet);
  return router;
}
