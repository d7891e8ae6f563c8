import type { KeyCache } from './key-cache.ts';
import type { MirrorRecord } from './mirror-record.ts';

type Running<Found> = { answer: Promise<Found | undefined>; generation: number; makings: number };

/**
 * Shares one read among concurrent requests for a key, unless the key has changed since it began: a read from before a
 * revocation must not answer a request from after it.
 */
export function joinReads<Found extends { record: MirrorRecord }>(
  cache: Pick<KeyCache, 'generation' | 'hasChanged' | 'makings'>,
) {
  const running = new Map<string, Running<Found>>();

  function begin(name: string, read: () => Promise<Found | undefined>): Running<Found> {
    const [generation, makings] = [cache.generation(), cache.makings()];
    const begun = { answer: read().finally(() => running.delete(name)), generation, makings };
    running.set(name, begun);
    return begun;
  }

  const isOutdated = ({ generation, makings }: Running<Found>, found: Found | undefined): boolean =>
    found ? cache.hasChanged(found.record, generation) : cache.makings() !== makings;

  return async function join(name: string, read: () => Promise<Found | undefined>): Promise<Found | undefined> {
    const earlier = running.get(name);
    if (earlier) {
      const found = await earlier.answer;
      if (!isOutdated(earlier, found)) return found;
    }
    // A read that runs now began after this request.
    return (running.get(name) ?? begin(name, read)).answer;
  };
}
