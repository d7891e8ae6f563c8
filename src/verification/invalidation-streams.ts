import { AppError } from '../errors.ts';
import type { EventStream } from '../http/event-stream.ts';
import { followInvalidations } from './follow-invalidations.ts';
import type { InvalidationHub, Place } from './invalidation-hub.ts';

type Deps = {
  hub: Pick<InvalidationHub, 'now' | 'reaches' | 'after' | 'onChange'>;
  trust: { isTrusted: () => boolean };
  heartbeatMs?: number;
  maxStreams?: number;
  maxLifeMs?: number;
};
type Listener = { organizationId: string | undefined; lastEventId: string | undefined };

export type InvalidationStreams = ReturnType<typeof makeInvalidationStreams>;

/** A client that heard nothing for some of these no longer believes what it keeps: how stale it can be at worst. */
const HEARTBEAT_MS = 2_000;
const MAX_STREAMS = 1_000;
/** A stream does not outlive its credential by more than this. */
const MAX_LIFE_MS = 15 * 60_000;
const RETRY_SECONDS = 1;
const EVENT_ID = /^([\w-]{1,32}):(\d{1,15})$/;

/** The open streams of invalidations: so many at most, and all of them ended before the server closes. */
export function makeInvalidationStreams(deps: Deps) {
  const { trust, heartbeatMs = HEARTBEAT_MS, maxStreams = MAX_STREAMS, maxLifeMs = MAX_LIFE_MS } = deps;
  const running = new Set<() => void>();
  let ended = false;

  return {
    /** @throws AppError `database_unavailable` while changes are not heard of here, `concurrency_limited` */
    open({ organizationId, lastEventId }: Listener): EventStream {
      if (ended || !trust.isTrusted())
        throw refusal('database_unavailable', 'This process does not hear of changes now.');
      if (running.size >= maxStreams) throw refusal('concurrency_limited', 'There are too many streams.');
      return (to) => {
        const options = { ...deps, isTrusted: trust.isTrusted, heartbeatMs, maxLifeMs };
        const end = followInvalidations(options, { to, organizationId, from: parsePlace(lastEventId) });
        running.add(end);
        to.once('close', () => running.delete(end));
      };
    },

    /** Ends every stream and takes no other. */
    end(): void {
      ended = true;
      for (const end of running) end();
    },

    count: (): number => running.size,
  };
}

function parsePlace(id: string | undefined): Place | undefined {
  const [, epoch, number] = EVENT_ID.exec(id ?? '') ?? [];
  return epoch === undefined ? undefined : { epoch, number: Number(number) };
}

function refusal(code: 'database_unavailable' | 'concurrency_limited', message: string): AppError {
  return new AppError(code, message, { details: { retry_after: RETRY_SECONDS } });
}
