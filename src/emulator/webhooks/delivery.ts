import type { DeliverySettings, EventEnvelope } from '../events/event-log.ts';
import type { Switches } from '../profile/switches.ts';
import type { Store } from '../state/store.ts';
import type { Job } from './delivery-queue.ts';
import { createLanes, runLater } from './delivery-queue.ts';
import { subscribersOf } from './webhook-store.ts';

const REORDER_WINDOW_MS = 60;

export type Deliveries = {
  publish: (event: EventEnvelope, settings: DeliverySettings) => void;
  /** How many wait for their turn or are under way; not those that wait to be tried again. */
  queued: () => number;
  /** Gives up what is waiting and ends what is under way. */
  stop: () => Promise<void>;
};

export function createDeliveries(store: Store, switches: Switches): Deliveries {
  const closing = new AbortController();
  const lanes = createLanes(store, switches, closing.signal);
  let held: Job[] = [];

  const releaseBackwards = (): void => {
    const jobs = held.toReversed();
    held = [];
    for (const job of jobs) lanes.enqueue(job);
  };
  const hold = (job: Job): void => {
    held.push(job);
    if (held.length === 1) runLater(REORDER_WINDOW_MS, releaseBackwards, closing.signal);
  };
  const start = (event: EventEnvelope, { duplicate, reorder }: DeliverySettings): void => {
    for (const { id: endpointId } of subscribersOf(store, event.event)) {
      const job = { endpointId, event, attempt: 0 };
      for (const copy of duplicate ? [job, { ...job }] : [job]) (reorder ? hold : lanes.enqueue)(copy);
    }
  };
  return {
    publish: (event, settings) => {
      if (settings.delay_ms > 0) runLater(settings.delay_ms, () => start(event, settings), closing.signal);
      else start(event, settings);
    },
    queued: () => held.length + lanes.queued(),
    stop: async () => {
      closing.abort();
      await lanes.settled();
    },
  };
}
