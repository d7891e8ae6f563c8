import { LRUCache } from 'lru-cache';
import type { WorkosKey } from '../workos/entities.ts';

type Deps = {
  /** Ends by itself, with or without an answer. */
  validateKey: (presented: string, environment: WorkosKey['environment']) => Promise<WorkosKey | undefined>;
  /** At most so many questions; 0 for none. */
  perMinute: number;
  /** Milliseconds that only go on. */
  elapsedMs?: () => number;
};

export type RefreshAtWorkos = (
  presented: string,
  key: { keyId: string; environment: WorkosKey['environment'] },
) => void;

const MINUTE_MS = 60_000;
const ONCE_IN_MS = 60 * MINUTE_MS;
const MAX_REMEMBERED = 20_000;

/**
 * WorkOS notes that a key is used when it is asked about the key's secret, which is here only while a request presents
 * it. So some of the requests make it known, each key at most once an hour and all together at a bounded rate. Nobody
 * waits for it, and whether it succeeds is in the metrics of calls to WorkOS alone.
 */
export function makeRefreshWorkosLastUse(deps: Deps): RefreshAtWorkos {
  const { validateKey, perMinute, elapsedMs = () => performance.now() } = deps;
  const toldAt = new LRUCache<string, number>({ max: MAX_REMEMBERED });
  let allowance = perMinute;
  let countedAtMs = elapsedMs();

  function mayAsk(nowMs: number): boolean {
    allowance = Math.min(perMinute, allowance + ((nowMs - countedAtMs) / MINUTE_MS) * perMinute);
    countedAtMs = nowMs;
    if (allowance < 1) return false;
    allowance -= 1;
    return true;
  }

  return function refreshAtWorkos(presented, { keyId, environment }): void {
    if (perMinute === 0) return;
    const nowMs = elapsedMs();
    const told = toldAt.get(keyId);
    if ((told !== undefined && nowMs - told < ONCE_IN_MS) || !mayAsk(nowMs)) return;
    // Also when it fails: a WorkOS that is not well is not asked again and again for this.
    toldAt.set(keyId, nowMs);
    validateKey(presented, environment).catch(() => undefined);
  };
}
