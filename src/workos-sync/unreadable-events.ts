import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { WorkosEvent } from '../workos/events/event.ts';
import { readEvent } from '../workos/events/read-event.ts';
import type { UnreadableEvent } from '../workos/events/read-event.ts';
import type { ApplyEvent, Delivery } from './apply-event.ts';
import type { EventsEnvironment, StoredEvent, UnreadableEvents } from './unreadable-events-repository.ts';

type RecordDeps = {
  unreadable: Pick<UnreadableEvents, 'record'>;
  environment: EventsEnvironment;
  workosEvents: Metrics['workosEvents'];
  clock: Clock;
  log: Pick<Logger, 'error'>;
};
export type RecordUnreadable = ReturnType<typeof makeRecordUnreadable>;

/** Creates the function that stores an unreadable event and logs an error for it once. */
export function makeRecordUnreadable({ unreadable, environment, workosEvents, clock, log }: RecordDeps) {
  return async function recordUnreadable(event: UnreadableEvent, source: Delivery['source']): Promise<void> {
    const { id, type, reason } = event;
    workosEvents.inc({ type, source, outcome: 'unreadable' });
    if (await unreadable.record(event, { environment, source, at: clock() }))
      log.error({ workos_event: id, type, reason }, 'unreadable WorkOS event; stored for retry');
  };
}

type RetryDeps = {
  unreadable: Pick<UnreadableEvents, 'claim' | 'forget'>;
  /** Translates an event into live organization ids; undefined for one that changes nothing here. */
  toLive: (event: WorkosEvent, environment: EventsEnvironment) => Promise<WorkosEvent | undefined>;
  applyEvent: ApplyEvent;
  clock: Clock;
  log: Pick<Logger, 'warn'>;
};
export type Retried = { read: number; left: number };

const BATCH = 100;
const MAX_BATCHES = 100;

/**
 * Retries stored events, each at least `pauseMs` after its last attempt, and applies those that this version can read.
 * Events may be applied late and in any order.
 */
export function makeRetryUnreadable({ unreadable, toLive, applyEvent, clock, log }: RetryDeps) {
  async function retry({ environment, id, body, source }: StoredEvent): Promise<boolean> {
    const read = body === undefined ? undefined : readEvent(JSON.parse(body), clock());
    if (read?.kind !== 'event') return false;
    try {
      const event = await toLive(read.event, environment);
      if (event) await applyEvent(event, { source });
    } catch (error) {
      log.warn({ err: error, workos_event: id }, 'failed to apply a stored WorkOS event; retrying later');
      return false;
    }
    await unreadable.forget(environment, id);
    return true;
  }

  return async function retryUnreadable(pauseMs: number, signal?: AbortSignal): Promise<Retried> {
    const startedAt = clock();
    const retried = { read: 0, left: 0 };
    for (let batch = 0; batch < MAX_BATCHES; batch++) {
      const stored = await unreadable.claim(
        new Date(startedAt.getTime() - pauseMs),
        new Date(startedAt.getTime() + 1),
        BATCH,
      );
      for (const event of stored) retried[(await retry(event)) ? 'read' : 'left'] += 1;
      if (stored.length < BATCH || signal?.aborted) break;
    }
    return retried;
  };
}
