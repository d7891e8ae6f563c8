import type { RequestHandler } from 'express';
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

export type Metrics = ReturnType<typeof makeMetrics>;

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The process's metrics, in Prometheus' form. Labels are closed sets: no id, address or path of a client is one. */
export function makeMetrics() {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const requests = new Histogram({
    name: 'latchkey_http_request_duration_seconds',
    help: 'How long requests took, by route pattern, method and status.',
    labelNames: ['route', 'method', 'status'] as const,
    buckets: SECONDS,
    registers,
  });
  const workosCalls = new Histogram({
    name: 'latchkey_workos_call_duration_seconds',
    help: 'How long calls to WorkOS took, by operation and outcome.',
    labelNames: ['operation', 'outcome'] as const,
    buckets: SECONDS,
    registers,
  });
  const failures = new Counter({
    name: 'latchkey_background_failures_total',
    help: 'Background work that failed and will be tried again, by loop.',
    labelNames: ['loop'] as const,
    registers,
  });
  const workosEvents = new Counter({
    name: 'latchkey_workos_events_total',
    help: 'Events of WorkOS, by type, by the way they came and by what they changed.',
    labelNames: ['type', 'source', 'outcome'] as const,
    registers,
  });
  return { registry, requests, workosCalls, failures, workosEvents };
}

/** Gauges that are read when somebody asks. A failed reading leaves the gauge out and is no failure of the scrape. */
export function addGauge(
  { registry }: Pick<Metrics, 'registry'>,
  options: { name: string; help: string; label: string },
  read: () => Promise<Readonly<Record<string, number>>> | Readonly<Record<string, number>>,
): void {
  const gauge = new Gauge({
    name: options.name,
    help: options.help,
    labelNames: [options.label],
    registers: [],
    async collect() {
      this.reset();
      const values = await Promise.resolve()
        .then(read)
        .catch(() => ({}));
      for (const [label, value] of Object.entries(values)) this.set({ [options.label]: label }, value);
    },
  });
  registry.registerMetric(gauge);
}

export function measureRequests({ requests }: Pick<Metrics, 'requests'>): RequestHandler {
  return (req, res, next) => {
    const stop = requests.startTimer({ method: methodLabel(req.method) });
    res.once('close', () => {
      stop({ route: String(res.locals['route'] ?? 'unmatched'), status: String(res.statusCode) });
    });
    next();
  };
}

// Methods are the client's to invent; the label stays a closed set.
function methodLabel(method: string): string {
  return ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].includes(method) ? method : 'other';
}
