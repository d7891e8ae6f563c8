import { setTimeout as wait } from 'node:timers/promises';
import type { EventEnvelope } from '../events/event-log.ts';
import type { Switches } from '../profile/switches.ts';
import type { Store } from '../state/store.ts';
import { writeJson } from '../profile/write-json.ts';
import { sendWebhook } from './send-webhook.ts';
import { findWebhook } from './webhook-store.ts';

const MAX_RETRIES = 6;
/** Doubles with each retry, so that the last comes after 8 s. WorkOS spreads as many retries over three days. */
const FIRST_RETRY_MS = 250;
/** Beyond it the oldest waiting delivery is dropped; the Events API still has its event. */
const MAX_QUEUED = 10_000;

export type Job = { endpointId: string; event: EventEnvelope; attempt: number };
type Queue = { jobs: Job[]; running: Promise<void> };

export type DeliveryQueue = {
  enqueue: (job: Job) => void;
  queued: () => number;
  /** Resolves once no delivery is in flight. Only the signal stops the work. */
  settled: () => Promise<void>;
};

/** Delivers to each endpoint in order, one event at a time, apart from the others; a failed delivery is retried later. */
export function createDeliveryQueue(store: Store, switches: Switches, signal: AbortSignal): DeliveryQueue {
  const queues = new Map<string, Queue>();
  const drain = async (queue: Queue): Promise<void> => {
    for (let job = queue.jobs[0]; job && !signal.aborted; job = queue.jobs[0]) {
      await attempt(job);
      queue.jobs.shift();
    }
  };
  const attempt = async (job: Job): Promise<void> => {
    const endpoint = findWebhook(store, job.endpointId);
    if (endpoint?.status !== 'enabled' || (await sendWebhook(endpoint, writeJson(job.event, switches), signal))) return;
    if (job.attempt >= MAX_RETRIES) return;
    const retry = { ...job, attempt: job.attempt + 1 };
    runLater(FIRST_RETRY_MS * 2 ** job.attempt, () => enqueue(retry), signal);
  };
  const enqueue = (job: Job): void => {
    const queue = queues.get(job.endpointId) ?? { jobs: [], running: Promise.resolve() };
    queues.set(job.endpointId, queue);
    queue.jobs.push(job);
    if (queue.jobs.length > MAX_QUEUED) queue.jobs.splice(1, 1);
    if (queue.jobs.length === 1) queue.running = Promise.resolve().then(() => drain(queue));
  };
  return {
    enqueue,
    queued: () => [...queues.values()].reduce((sum, { jobs }) => sum + jobs.length, 0),
    settled: async () => {
      for (const { running } of queues.values()) await running;
    },
  };
}

/** Runs the action after a delay, unless the signal is aborted first. */
export function runLater(ms: number, action: () => void, signal: AbortSignal): void {
  void wait(ms, undefined, { signal }).then(action, () => undefined);
}
