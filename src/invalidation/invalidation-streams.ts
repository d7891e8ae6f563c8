import { AppError } from '../errors.ts';
import type { EventStream } from '../http/server/event-stream.ts';
import { followInvalidations } from './follow-invalidations.ts';
import type { InvalidationHub } from './invalidation-hub.ts';
import { makeFrames } from './frames.ts';
import { makeStreamIds } from './stream-ids.ts';

type Deps = {
  hub: Pick<InvalidationHub, 'now' | 'reaches' | 'after' | 'onChange'>;
  trust: { isTrusted: () => boolean };
  heartbeatMs?: number;
  /** Tenants together may have half of them. */
  maxStreams?: number;
  maxPerOrganization?: number;
  count?: (outcome: 'taken' | 'refused') => void;
  maxLifeMs?: number;
};
type Listener = { organizationId: string | undefined; lastEventId: string | undefined };

export type InvalidationStreams = ReturnType<typeof makeInvalidationStreams>;

/** A client that receives nothing for some of these stops using its cache: this bounds how stale it can be. */
const HEARTBEAT_MS = 2_000;
const MAX_STREAMS = 1_000;
const MAX_PER_ORGANIZATION = 20;
/** A stream does not outlive its credential by more than this. */
const MAX_LIFE_MS = 15 * 60_000;
const RETRY_SECONDS = 1;

/**
 * Opens streams of invalidations, up to a limit for each organization and in all. Half of them are reserved for
 * services. All streams end before the server closes.
 */
export function makeInvalidationStreams(deps: Deps) {
  const { trust, heartbeatMs = HEARTBEAT_MS, maxStreams = MAX_STREAMS, maxLifeMs = MAX_LIFE_MS } = deps;
  const ids = makeStreamIds();
  const frames = makeFrames(ids);
  const { maxPerOrganization = MAX_PER_ORGANIZATION, count = () => undefined } = deps;
  const running = new Map<() => void, string | undefined>();
  let ended = false;

  function hasRoom(organizationId: string | undefined): boolean {
    if (running.size >= maxStreams) return false;
    if (organizationId === undefined) return true;
    const ofTenants = [...running.values()].filter((each) => each !== undefined);
    const own = ofTenants.filter((each) => each === organizationId);
    return own.length < maxPerOrganization && ofTenants.length < Math.floor(maxStreams / 2);
  }

  return {
    /** @throws AppError `database_unavailable` while this process may miss changes, `concurrency_limited` */
    open({ organizationId, lastEventId }: Listener): EventStream {
      if (ended || !trust.isTrusted())
        throw refusal('database_unavailable', 'This process cannot receive changes now. Try again shortly.');
      const room = hasRoom(organizationId);
      count(room ? 'taken' : 'refused');
      if (!room) throw refusal('concurrency_limited', 'Too many streams are open. Close one, or try again later.');
      return (to) => {
        const options = { ...deps, frames, isTrusted: trust.isTrusted, heartbeatMs, maxLifeMs };
        const end = followInvalidations(options, { to, organizationId, from: ids.read(lastEventId) });
        running.set(end, organizationId);
        to.once('close', () => running.delete(end));
      };
    },

    /** Ends every stream and opens no more. */
    end(): void {
      ended = true;
      for (const end of running.keys()) end();
    },

    count: (): number => running.size,
  };
}

function refusal(code: 'database_unavailable' | 'concurrency_limited', message: string): AppError {
  return new AppError(code, message, { details: { retry_after: RETRY_SECONDS } });
}
