import type { Knex } from 'knex';
import { Gauge } from 'prom-client';
import { VERSION } from '../config/version.ts';
import { AppError } from '../errors.ts';
import { healthRoutes } from '../http/health-routes.ts';
import { addValue } from '../telemetry/metrics.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Trust } from '../invalidation/trust.ts';
import type { WorkosGateway } from '../workos/gateway.ts';

type Deps = {
  db: Knex;
  workos: Pick<WorkosGateway, 'isReachable'>;
  trust: Pick<Trust, 'assertProven' | 'beatAgeSeconds' | 'isChannelOpen'>;
  /** What this process does, of `api`, `worker` and `all`. */
  role: string;
  metrics: Pick<Metrics, 'registry'>;
  countUnreadableEvents: () => Promise<number>;
};

const READY_TIMEOUT_MS = 1_000;

/** Makes liveness and readiness, and the switch that ends readiness before a shutdown. */
export function makeHealthParts({ db, workos, trust, role, metrics, countUnreadableEvents }: Deps) {
  addTrust(metrics, trust);
  addBuild(metrics, role);
  let isDraining = false;
  let asking: Promise<void> | undefined;

  async function assertReady(): Promise<void> {
    if (isDraining) throw notReady('This replica is shutting down.');
    trust.assertProven();
    // Concurrent callers share one query: a flood of them takes one connection, not all.
    asking ??= assertPrimary().finally(() => (asking = undefined));
    await asking;
  }

  async function assertPrimary(): Promise<void> {
    const { rows } = await db
      .raw<{ rows: { standby: boolean }[] }>('select pg_is_in_recovery() as standby')
      .timeout(READY_TIMEOUT_MS);
    if (rows[0]?.standby !== false) throw notReady('The database is a standby.');
  }

  return {
    healthRoutes: healthRoutes({ assertReady, isWorkosReachable: workos.isReachable, countUnreadableEvents }),
    drain: () => void (isDraining = true),
  };
}

function notReady(message: string): AppError {
  return new AppError('database_unavailable', message, { details: { retry_after: 2 } });
}

function addTrust(metrics: Pick<Metrics, 'registry'>, trust: Pick<Trust, 'beatAgeSeconds' | 'isChannelOpen'>): void {
  const age = {
    name: 'latchkey_beat_age_seconds',
    help: 'Seconds since the database last showed that it is the primary; after 3 requests are refused.',
  };
  addValue(metrics, age, () => {
    const seconds = trust.beatAgeSeconds();
    // A replica that is alone on its database needs no beat.
    return Number.isFinite(seconds) ? seconds : undefined;
  });
  const channel = {
    name: 'latchkey_channel_open',
    help: 'Whether the LISTEN connection, by which invalidations arrive, is open (1) or not (0).',
  };
  addValue(metrics, channel, () => (trust.isChannelOpen() ? 1 : 0));
}

function addBuild({ registry }: Pick<Metrics, 'registry'>, role: string): void {
  const gauge = new Gauge({
    name: 'latchkey_build_info',
    help: 'Always 1, with the version of Latchkey, that of Node, and the role of the process.',
    labelNames: ['version', 'node', 'role'],
    registers: [],
  });
  gauge.set({ version: VERSION, node: process.versions.node, role }, 1);
  registry.registerMetric(gauge);
}
