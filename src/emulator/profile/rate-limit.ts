import type { Reply } from '../http/route.ts';
import type { Switches } from './switches.ts';

const MAX_SECRETS = 1_000;

/** Counts requests per secret, in windows that begin with the first request. */
export function createRateLimit(switches: Pick<Switches, 'rate_limit'>, now: () => number = () => performance.now()) {
  const windows = new Map<string, { endsAt: number; count: number }>();

  /** Returns the 429 for a request beyond the limit, else undefined. */
  return function limited(secret: string): Reply | undefined {
    const { rate_limit: limit } = switches;
    if (limit === null) return undefined;
    const at = now();
    let window = windows.get(secret);
    if (!window || window.endsAt <= at) {
      window = { endsAt: at + limit.window_ms, count: 0 };
      if (windows.size >= MAX_SECRETS) windows.clear();
      windows.set(secret, window);
    }
    window.count += 1;
    if (window.count <= limit.requests) return undefined;
    const seconds = String(Math.ceil((window.endsAt - at) / 1_000));
    return {
      status: 429,
      body: { message: 'Rate limit exceeded.', code: 'rate_limit_exceeded' },
      ...(limit.retry_after && { headers: { 'retry-after': seconds } }),
    };
  };
}
