import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import type { FaultPoint } from '../process/fault-point.ts';
import { backoffMs } from './backoff.ts';
import type { DeliveryError } from './deliveries/delivery.ts';
import type { Attempt, Delivery, DeliveryQueue, Outbox } from './outbox.ts';

/**
 * The result of one attempt. `final`: another attempt would fail in the same way. `heldMs`: the endpoint asks to be left
 * alone for so long, which is no reason to give up. `dropped`: nothing can ever receive it, and no one needs to act.
 */
export type Sent =
  | { delivered: true; status?: number }
  | ({ delivered: false; final: boolean; heldMs?: number; dropped?: undefined } & Failure)
  | ({ delivered: false; dropped: true } & Failure);
/** `failure` is for the operator, `error` for everybody; `status`: the HTTP status of the answer, if there was one. */
type Failure = { failure: string; error: DeliveryError; status?: number };
/** @throws only when the signal aborted the attempt, so that its result is unknown */
export type Send = (delivery: Pick<Delivery, 'id' | 'body'>, signal: AbortSignal) => Promise<Sent>;
export type CountDelivery = (type: string, outcome: Attempt['outcome']) => void;

type Deps = {
  endpoint: string;
  send: Send;
  outbox: Pick<Outbox, 'claim' | 'waiting' | 'record' | 'release'>;
  count: CountDelivery;
  onFailure: (error: unknown) => void;
  at: FaultPoint;
  clock: Clock;
  log: Pick<Logger, 'warn' | 'error'>;
};

/** Queues at a time, so that a slow one does not hold up the others. */
const PARALLEL = 10;
/** How often new queues are claimed while some are busy. */
const LOOK_AGAIN_MS = 1_000;
/** Deliveries of one queue before the others have their turn. */
const BATCH = 20;
/** Several delivery timeouts: a holder that has recorded nothing for this long is gone. */
const HOLD_MS = 60_000;
/** Enough time to finish a delivery: a holder with less of its lease left, after a stall, begins none. */
const LEFT_MS = 30_000;

/**
 * Delivers what waits for one endpoint, on any number of replicas: the deliveries of one organization in order, many
 * organizations in parallel. A delivery that fails delays those behind it until it is delivered or dead.
 */
export function makeDeliver(deps: Deps) {
  const { endpoint, outbox, clock } = deps;

  function claim(free: number, now: Date): Promise<DeliveryQueue[]> {
    return free === 0 ? Promise.resolve([]) : outbox.claim(endpoint, now, heldUntil(now), free);
  }

  return async function deliver(signal: AbortSignal): Promise<void> {
    const busy = new Set<Promise<void>>();
    try {
      do {
        const now = clock();
        for (const queue of await claim(PARALLEL - busy.size, now)) {
          const work = drain(deps, queue, heldUntil(now), signal)
            .catch(deps.onFailure)
            .finally(() => busy.delete(work));
          busy.add(work);
        }
        if (busy.size > 0) await firstOf(busy);
      } while (busy.size > 0 && !signal.aborted);
    } finally {
      await Promise.all(busy);
    }
  };
}

/** Waits until a queue is done, or it is time to claim more queues. */
async function firstOf(busy: ReadonlySet<Promise<void>>): Promise<void> {
  const waiting = new AbortController();
  const pause = sleep(LOOK_AGAIN_MS, undefined, { signal: waiting.signal }).catch(() => undefined);
  await Promise.race([...busy, pause]);
  waiting.abort();
}

async function drain(deps: Deps, queue: DeliveryQueue, until: Date, signal: AbortSignal): Promise<void> {
  const { outbox, at, clock } = deps;
  let leaseEnd = until;
  for (const delivery of await outbox.waiting(queue, BATCH)) {
    await at('notice.claimed');
    // After a stall another holder may have sent this delivery and newer ones.
    if (clock().getTime() + LEFT_MS > leaseEnd.getTime()) break;
    const sent = await trySend(deps, delivery, signal);
    if (!sent) break;
    await at('notice.sent');
    const attempt = attemptOf(delivery, sent, clock());
    // Another holder took over, because this one seemed gone: the queue is theirs.
    if (!(await outbox.record(queue, delivery, attempt))) return;
    await at('notice.noted');
    report(deps, queue, delivery, attempt);
    if (attempt.outcome === 'failed') return;
    leaseEnd = attempt.due;
  }
  await outbox.release(queue, clock());
}

/** @returns undefined when this process ends before the result is known, which counts as no attempt */
async function trySend({ send }: Deps, delivery: Delivery, signal: AbortSignal): Promise<Sent | undefined> {
  if (signal.aborted) return undefined;
  try {
    return await send(delivery, signal);
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}

function attemptOf({ attempts, retryUntil }: Delivery, sent: Sent, now: Date): Attempt {
  const next = heldUntil(now);
  const { status } = sent;
  if (sent.delivered) return { outcome: 'delivered', status, at: now, due: next };
  const { failure, error } = sent;
  const failed = { failure, error, status, at: now };
  if (sent.dropped) return { outcome: 'dropped', ...failed, due: next };
  const isOver = now >= retryUntil && sent.heldMs === undefined;
  if (sent.final || isOver) return { outcome: 'dead', ...failed, due: next };
  const waitMs = sent.heldMs ?? backoffMs(attempts);
  return { outcome: 'failed', ...failed, due: new Date(now.getTime() + waitMs) };
}

function report(
  { endpoint, count, log }: Deps,
  queue: DeliveryQueue,
  { id, type, attempts }: Delivery,
  attempt: Attempt,
): void {
  count(type, attempt.outcome);
  if (attempt.outcome === 'delivered' || attempt.outcome === 'dropped') return;
  const fields = { endpoint, notice: id, type, organization_id: queue.organizationId, failure: attempt.failure };
  if (attempt.outcome === 'dead') log.error(fields, 'webhook delivery given up; npm run webhooks can replay it');
  else if (attempts === 0) log.warn(fields, 'webhook delivery failed; retrying');
}

function heldUntil(now: Date): Date {
  return new Date(now.getTime() + HOLD_MS);
}
