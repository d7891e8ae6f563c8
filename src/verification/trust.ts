import { parseInvalidation } from './invalidation.ts';
import type { KeyCache } from './key-cache.ts';

export type Trust = ReturnType<typeof makeTrust>;

/**
 * Whether the cache may be believed: while the channel of changes is open. When it is lost everything cached is
 * dropped, and nothing is kept until it is back.
 */
export function makeTrust(cache: Pick<KeyCache, 'invalidate' | 'clear'>, { trusted = false } = {}) {
  let open = trusted;
  return {
    isTrusted: (): boolean => open,
    onOpen(): void {
      cache.clear();
      open = true;
    },
    onLost(): void {
      open = false;
      cache.clear();
    },
    onNotice(payload: string | undefined): void {
      const invalidation = parseInvalidation(payload);
      if (invalidation) cache.invalidate(invalidation);
      else cache.clear();
    },
  };
}
