import { Counter, Gauge } from 'prom-client';
import type { Logger } from 'pino';
import type { Clock } from '../../clock.ts';
import type { Config } from '../../config/config.ts';
import { makeFallbackLimiter } from '../../limits/shared/fallback.ts';
import type { Limiter } from '../../limits/limiter.ts';
import { makeLocalLimiter } from '../../limits/local-limiter.ts';
import { openRedisLink } from '../../limits/shared/redis-link.ts';
import { makeSharedLimiter, proveWritable } from '../../limits/shared/shared-limiter.ts';
import type { Metrics } from '../../telemetry/metrics.ts';

/** A window takes some 200 bytes. */
const MAX_WINDOWS = 20_000;

type Deps = { config: Pick<Config, 'limits'>; log: Logger; metrics: Pick<Metrics, 'registry'>; clock: Clock };

export type LimitsParts = {
  limiter: Limiter;
  /** Resolves within seconds, when it is known whether limits are shared; never rejects. */
  ready: Promise<void>;
  close(): Promise<void>;
};

/** Makes the limiter: of this process, or with `REDIS_URL` of all replicas together. */
export function makeLimitsParts({ config, log, metrics, clock }: Deps): LimitsParts {
  const { redisUrl, fallback, leaseSeconds } = config.limits;
  const local = makeLocalLimiter({ leaseSeconds, maxWindows: MAX_WINDOWS, clock });
  if (redisUrl === undefined) return { limiter: local, ready: Promise.resolve(), close: () => Promise.resolve() };

  const count = countChanges(metrics);
  // The address without user and password.
  const redis = new URL(redisUrl).host;
  const link = openRedisLink({
    url: redisUrl,
    prove: proveWritable,
    onChange(open, reason) {
      count(open);
      if (open) log.info({ redis }, 'Redis connected; limits are shared by all replicas');
      else log.warn({ redis, reason, fallback }, 'Redis connection lost; limits fall back');
    },
  });
  const shared = makeSharedLimiter({ redis: link, leaseSeconds, clock });
  return {
    limiter: makeFallbackLimiter({ shared, local, isOpen: link.isOpen, fallback }),
    ready: link.ready,
    close: async () => link.close(),
  };
}

function countChanges({ registry }: Pick<Metrics, 'registry'>): (open: boolean) => void {
  const registers = [registry];
  const shared = new Gauge({
    name: 'latchkey_limits_shared',
    help: 'Whether limits are counted together with all replicas (1) or not (0).',
    registers,
  });
  const changes = new Counter({
    name: 'latchkey_limits_changes_total',
    help: 'How often limits became shared, or were lost.',
    labelNames: ['to'] as const,
    registers,
  });
  return (open) => {
    shared.set(open ? 1 : 0);
    changes.inc({ to: open ? 'shared' : 'lost' });
  };
}
