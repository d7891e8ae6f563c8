import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { WorkosEvent } from '../workos/events/event.ts';
import { readEvent } from '../workos/events/read-event.ts';
import type { UnreadableEvent } from '../workos/events/read-event.ts';
import type { ApplyEvent, Delivery } from './apply-event.ts';
import type { EventsEnvironment, KeptEvent, UnreadableEvents } from './unreadable-events-repository.ts';

type KeepDeps = {
  unreadable: Pick<UnreadableEvents, 'keep'>;
  environment: EventsEnvironment;
  workosEvents: Metrics['workosEvents'];
  clock: Clock;
  log: Pick<Logger, 'error'>;
};
export type KeepUnreadable = ReturnType<typeof makeKeepUnreadable>;

/** Keeps events that cannot be read, before anything moves on past them, and tells people once of each. */
export function makeKeepUnreadable({ unreadable, environment, workosEvents, clock, log }: KeepDeps) {
  return async function keepUnreadable(event: UnreadableEvent, source: Delivery['source']): Promise<void> {
    const { id, type, reason } = event;
    workosEvents.inc({ type, source, outcome: 'unreadable' });
    if (await unreadable.keep(event, { environment, source, at: clock() }))
      log.error({ workos_event: id, type, reason }, 'an event of WorkOS cannot be read, and is kept until it can');
  };
}

type RetryDeps = {
  unreadable: Pick<UnreadableEvents, 'claim' | 'forget'>;
  /** The event as it is applied; undefined for one that does not concern us. */
  asOurs: (event: WorkosEvent, environment: EventsEnvironment) => Promise<WorkosEvent | undefined>;
  applyEvent: ApplyEvent;
  clock: Clock;
  log: Pick<Logger, 'warn'>;
};
export type Retried = { read: number; left: number };

const BATCH = 100;
const MAX_BATCHES = 100;

/**
 * Reads kept events again, each not sooner than `pauseMs` after its last try, and applies those that can be read now:
 * after an upgrade, say. Events may be applied late and in any order, so their place does not matter.
 */
export function makeRetryUnreadable({ unreadable, asOurs, applyEvent, clock, log }: RetryDeps) {
  async function retry({ environment, id, body, source }: KeptEvent): Promise<boolean> {
    const read = body === undefined ? undefined : readEvent(JSON.parse(body), clock());
    if (read?.kind !== 'event') return false;
    try {
      const event = await asOurs(read.event, environment);
      if (event) await applyEvent(event, { source });
    } catch (error) {
      log.warn({ err: error, workos_event: id }, 'a kept event of WorkOS cannot be applied yet');
      return false;
    }
    await unreadable.forget(environment, id);
    return true;
  }

  return async function retryUnreadable(pauseMs: number, signal?: AbortSignal): Promise<Retried> {
    const startedAt = clock();
    const retried = { read: 0, left: 0 };
    for (let batch = 0; batch < MAX_BATCHES; batch++) {
      const kept = await unreadable.claim(
        new Date(startedAt.getTime() - pauseMs),
        new Date(startedAt.getTime() + 1),
        BATCH,
      );
      for (const event of kept) retried[(await retry(event)) ? 'read' : 'left'] += 1;
      if (kept.length < BATCH || signal?.aborted) break;
    }
    return retried;
  };
}
