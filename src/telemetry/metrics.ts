import type { RequestHandler } from 'express';
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { GaugeOptions, Values } from './table-gauges.ts';
import { makeTableGauges } from './table-gauges.ts';

export type Metrics = ReturnType<typeof makeMetrics>;

const SECONDS = [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The process's Prometheus metrics. Labels are closed sets: no id, address or path of a client. */
export function makeMetrics() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const { counter, timer } = makersIn(registry);
  return {
    registry,
    tableGauges: makeTableGauges((options, read) => addGauge({ registry }, options, read)),
    connectionsCut: counter(
      'latchkey_connections_cut_total',
      'Connections cut or refused: too many pipelined requests, answers left unread, or too many connections of one address or in all.',
      ['reason'],
    ),
    requests: timer(
      'latchkey_http_request_duration_seconds',
      'Duration of HTTP requests, by route pattern, method and status.',
      ['route', 'method', 'status'],
    ),
    workosCalls: timer(
      'latchkey_workos_call_duration_seconds',
      'Duration of calls to WorkOS, by operation and outcome.',
      ['operation', 'outcome'],
    ),
    workosEvents: counter('latchkey_workos_events_total', 'Events of WorkOS, by type, source and outcome.', [
      'type',
      'source',
      'outcome',
    ]),
    incomingWebhooks: counter('latchkey_hooks_total', 'Incoming billing webhooks, by source, type and outcome.', [
      'source',
      'type',
      'outcome',
    ]),
    failures: counter('latchkey_background_failures_total', 'Failures of background work that is retried, by loop.', [
      'loop',
    ]),
    usageDropped: counter('latchkey_usage_dropped_total', 'Uses of keys that were lost because memory was full.', []),
    decommissionedKeys: counter(
      'latchkey_decommissioned_keys_total',
      'Keys revoked by the decommissioning of their organization.',
      [],
    ),
  };
}

function makersIn(registry: Registry) {
  const registers = [registry];
  return {
    counter: <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
      new Counter<L>({ name, help, labelNames, registers }),
    timer: <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
      new Histogram<L>({ name, help, labelNames, buckets: SECONDS, registers }),
  };
}

/**
 * Adds a counter for hot paths: one label, whose values are counted in memory and handed over at each scrape.
 * @returns the function that counts
 */
export function addTally<Value extends string>(
  { registry }: Pick<Metrics, 'registry'>,
  { name, help, label }: GaugeOptions,
  values: readonly Value[],
): (value: Value) => void {
  const counts = new Map(values.map((value) => [value, { label: { [label]: value }, times: 0 }]));
  const tally = new Counter({
    name,
    help,
    labelNames: [label],
    registers: [],
    collect() {
      this.reset();
      for (const { label: labels, times } of counts.values()) this.inc(labels, times);
    },
  });
  registry.registerMetric(tally);
  return (value) => {
    const count = counts.get(value);
    if (count) count.times++;
  };
}

/** Adds a gauge without labels that is read from memory at each scrape; not set while `read` returns undefined. */
export function addValue(
  { registry }: Pick<Metrics, 'registry'>,
  { name, help }: Pick<GaugeOptions, 'name' | 'help'>,
  read: () => number | undefined,
): void {
  const gauge = new Gauge({
    name,
    help,
    registers: [],
    collect() {
      const value = read();
      if (value !== undefined) this.set(value);
    },
  });
  registry.registerMetric(gauge);
}

/** Adds a gauge that is read from memory at each scrape. A failed reading leaves the gauge out; the scrape goes on. */
export function addGauge(
  { registry }: { registry: Registry },
  options: GaugeOptions,
  read: () => Promise<Values> | Values,
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

// Clients can invent methods; the label stays a closed set.
export function methodLabel(method: string): string {
  return ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].includes(method) ? method : 'other';
}
