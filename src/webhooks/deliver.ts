import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import type { FaultPoint } from '../process/fault-point.ts';
import { backoffMs } from './backoff.ts';
import type { Lane, Letter, Noted, Outbox } from './outbox.ts';

/**
 * What came of a try: why it failed, and whether another one would fail in the same way. `heldMs`: the endpoint wants to
 * be left alone for so long, which is no reason to give up.
 */
export type Sent = { delivered: true } | { delivered: false; failure: string; final: boolean; heldMs?: number };
/** @throws only when the signal ended it, so that nothing is known */
export type Send = (letter: Pick<Letter, 'id' | 'body'>, signal: AbortSignal) => Promise<Sent>;
export type CountNotice = (type: string, outcome: 'delivered' | 'failed' | 'dead') => void;

type Deps = {
  endpoint: string;
  send: Send;
  outbox: Pick<Outbox, 'claim' | 'waiting' | 'note' | 'release'>;
  count: CountNotice;
  onFailure: (error: unknown) => void;
  at: FaultPoint;
  clock: Clock;
  log: Pick<Logger, 'warn' | 'error'>;
};

/** Organizations at a time: one that is slow leaves the others their places. */
const PARALLEL = 10;
/** While some are busy, how often new ones are looked for. */
const LOOK_AGAIN_MS = 1_000;
/** In one go; then others that wait have their turn. */
const BATCH = 20;
/** Several deadlines of a delivery: a holder who has not noted anything for so long is gone. */
const HOLD_MS = 60_000;
/** Time to finish a delivery in: without as much left of its lease, a holder that stalled begins none. */
const LEFT_MS = 30_000;

/**
 * Sends what waits for one endpoint: each organization's notices one after the other, many organizations at a time, on
 * any number of replicas. A notice that fails holds up those behind it, until it is delivered or dead.
 */
export function makeDeliver(deps: Deps) {
  const { endpoint, outbox, clock } = deps;

  function claim(free: number, now: Date): Promise<Lane[]> {
    return free === 0 ? Promise.resolve([]) : outbox.claim(endpoint, now, heldUntil(now), free);
  }

  return async function deliver(signal: AbortSignal): Promise<void> {
    const busy = new Set<Promise<void>>();
    try {
      do {
        const now = clock();
        for (const lane of await claim(PARALLEL - busy.size, now)) {
          const work = drain(deps, lane, heldUntil(now), signal)
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

/** Until one of them is done, or it is time to look for others. */
async function firstOf(busy: ReadonlySet<Promise<void>>): Promise<void> {
  const waiting = new AbortController();
  const pause = sleep(LOOK_AGAIN_MS, undefined, { signal: waiting.signal }).catch(() => undefined);
  await Promise.race([...busy, pause]);
  waiting.abort();
}

async function drain(deps: Deps, lane: Lane, until: Date, signal: AbortSignal): Promise<void> {
  const { outbox, at, clock } = deps;
  let leaseEnd = until;
  for (const letter of await outbox.waiting(lane, BATCH)) {
    await at('notice.claimed');
    // After a stall another holder may have sent this one and newer ones.
    if (clock().getTime() + LEFT_MS > leaseEnd.getTime()) break;
    const sent = await trySend(deps, letter, signal);
    if (!sent) break;
    await at('notice.sent');
    const noted = judge(letter, sent, clock());
    // Somebody took this one for gone: then the lane is theirs.
    if (!(await outbox.note(lane, letter, noted))) return;
    await at('notice.noted');
    report(deps, lane, letter, noted);
    if (noted.outcome === 'failed') return;
    leaseEnd = noted.due;
  }
  await outbox.release(lane, clock());
}

/** @returns undefined when this process ends before anything is known; it is no try then */
async function trySend({ send }: Deps, letter: Letter, signal: AbortSignal): Promise<Sent | undefined> {
  if (signal.aborted) return undefined;
  try {
    return await send(letter, signal);
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}

function judge({ attempts, retryUntil }: Letter, sent: Sent, now: Date): Noted {
  if (sent.delivered) return { outcome: 'delivered', at: now, due: heldUntil(now) };
  const { failure, heldMs } = sent;
  const isOver = now >= retryUntil && heldMs === undefined;
  if (sent.final || isOver) return { outcome: 'dead', failure, at: now, due: heldUntil(now) };
  return { outcome: 'failed', failure, at: now, due: new Date(now.getTime() + (heldMs ?? backoffMs(attempts))) };
}

function report({ endpoint, count, log }: Deps, lane: Lane, { id, type, attempts }: Letter, noted: Noted): void {
  count(type, noted.outcome);
  if (noted.outcome === 'delivered') return;
  const fields = { endpoint, notice: id, type, organization_id: lane.organizationId, failure: noted.failure };
  if (noted.outcome === 'dead') log.error(fields, 'a notice is given up; it can be replayed');
  else if (attempts === 0) log.warn(fields, 'a notice was not delivered and will be tried again');
}

function heldUntil(now: Date): Date {
  return new Date(now.getTime() + HOLD_MS);
}
