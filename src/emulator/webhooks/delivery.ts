import type { DeliverySettings, EventEnvelope } from '../events/event-log.ts';
import type { Switches } from '../profile/switches.ts';
import type { Store } from '../state/store.ts';
import type { Job } from './delivery-queue.ts';
import { createDeliveryQueue, runLater } from './delivery-queue.ts';
import { subscribersOf } from './webhook-store.ts';

const REORDER_WINDOW_MS = 60;

export type Deliveries = {
  publish: (event: EventEnvelope, settings: DeliverySettings) => void;
  /** Counts deliveries that wait for their turn or are in flight, but not those that wait for a retry. */
  queued: () => number;
  /** Drops what waits and aborts what is in flight. */
  stop: () => Promise<void>;
};

export function createDeliveries(store: Store, switches: Switches): Deliveries {
  const closing = new AbortController();
  const queue = createDeliveryQueue(store, switches, closing.signal);
  let held: Job[] = [];

  const releaseBackwards = (): void => {
    const jobs = held.toReversed();
    held = [];
    for (const job of jobs) queue.enqueue(job);
  };
  const hold = (job: Job): void => {
    held.push(job);
    if (held.length === 1) runLater(REORDER_WINDOW_MS, releaseBackwards, closing.signal);
  };
  const start = (event: EventEnvelope, { duplicate, reorder }: DeliverySettings): void => {
    for (const { id: endpointId } of subscribersOf(store, event.event)) {
      const job = { endpointId, event, attempt: 0 };
      for (const copy of duplicate ? [job, { ...job }] : [job]) (reorder ? hold : queue.enqueue)(copy);
    }
  };
  return {
    publish: (event, settings) => {
      if (settings.delay_ms > 0) runLater(settings.delay_ms, () => start(event, settings), closing.signal);
      else start(event, settings);
    },
    queued: () => held.length + queue.queued(),
    stop: async () => {
      closing.abort();
      await queue.settled();
    },
  };
}
