import { setTimeout as wait } from 'node:timers/promises';
import type { EventEnvelope } from '../events/event-log.ts';
import type { Switches } from '../profile/switches.ts';
import type { Store } from '../state/store.ts';
import { writeJson } from '../profile/write-json.ts';
import { sendWebhook } from './send-webhook.ts';
import { findWebhook } from './webhook-store.ts';

const MAX_RETRIES = 6;
/** Doubled with each retry: the last comes 8 s after the one before. WorkOS takes three days over as many. */
const FIRST_RETRY_MS = 250;
/** Past it the oldest is dropped; the Events API still has it. */
const MAX_QUEUED = 10_000;

export type Job = { endpointId: string; event: EventEnvelope; attempt: number };
type Lane = { jobs: Job[]; running: Promise<void> };

export type Lanes = {
  enqueue: (job: Job) => void;
  queued: () => number;
  /** Ends once nothing is under way any more; it is the signal that stops the work. */
  settled: () => Promise<void>;
};

/** One lane per endpoint, so that a dead one holds up no other; in a lane one at a time, a failed one steps aside. */
export function createLanes(store: Store, switches: Switches, signal: AbortSignal): Lanes {
  const lanes = new Map<string, Lane>();
  const drain = async (lane: Lane): Promise<void> => {
    for (let job = lane.jobs[0]; job && !signal.aborted; job = lane.jobs[0]) {
      await attempt(job);
      lane.jobs.shift();
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
    const lane = lanes.get(job.endpointId) ?? { jobs: [], running: Promise.resolve() };
    lanes.set(job.endpointId, lane);
    lane.jobs.push(job);
    if (lane.jobs.length > MAX_QUEUED) lane.jobs.splice(1, 1);
    if (lane.jobs.length === 1) lane.running = Promise.resolve().then(() => drain(lane));
  };
  return {
    enqueue,
    queued: () => [...lanes.values()].reduce((sum, { jobs }) => sum + jobs.length, 0),
    settled: async () => {
      for (const { running } of lanes.values()) await running;
    },
  };
}

/** Never runs once the signal is aborted. */
export function runLater(ms: number, action: () => void, signal: AbortSignal): void {
  void wait(ms, undefined, { signal }).then(action, () => undefined);
}
