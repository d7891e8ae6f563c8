import { makeBoundedCache } from '../bounded-cache.ts';
import { IMPORTED_ID_PREFIX } from '../ids.ts';
import { makeTokenBucket } from '../limits/token-bucket.ts';
import type { WorkosKey } from '../workos/entities.ts';

type Deps = {
  /** Has a timeout of its own. */
  validateKey: (presented: string, environment: WorkosKey['environment']) => Promise<WorkosKey | undefined>;
  /** The most calls to WorkOS a minute; 0 for none. */
  perMinute: number;
  /** The monotonic clock. */
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
 * Lets WorkOS record that a key is in use. WorkOS does so when it validates the key's secret, which Latchkey has only
 * while a request presents it. So some requests cause a validation: at most one an hour for each key, and a bounded
 * number in all. WorkOS never gets the secret of an imported key. No request waits for it; failures show in the metrics of calls to WorkOS alone.
 */
export function makeRefreshWorkosLastUse(deps: Deps): RefreshAtWorkos {
  const { validateKey, perMinute, elapsedMs = () => performance.now() } = deps;
  const refreshedAt = makeBoundedCache<number>({ max: MAX_REMEMBERED });
  const bucket = makeTokenBucket({ tokens: () => perMinute, everyMs: MINUTE_MS, nowMs: elapsedMs });

  return function refreshAtWorkos(presented, { keyId, environment }): void {
    if (perMinute === 0 || keyId.startsWith(IMPORTED_ID_PREFIX)) return;
    const nowMs = elapsedMs();
    const lastMs = refreshedAt.get(keyId);
    if ((lastMs !== undefined && nowMs - lastMs < ONCE_IN_MS) || !bucket.take()) return;
    // Also when it fails: an unhealthy WorkOS is not called again and again for this.
    refreshedAt.set(keyId, nowMs);
    validateKey(presented, environment).catch(() => undefined);
  };
}
