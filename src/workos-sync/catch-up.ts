import type { Knex } from 'knex';
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import { haveCaughtUp } from './event-cursors.ts';
import type { EventCursors } from './event-cursors.ts';
import type { PollEvents } from './poll-events.ts';

type Deps = {
  db: Knex;
  gap: { since(): Promise<string | undefined>; close(since: string): Promise<void> };
  cursors: Pick<EventCursors, 'catchUp'>;
  pollEvents: PollEvents;
  /** The names of all streams of events, in `event_cursors`. */
  streams: readonly string[];
  clock: Clock;
  log: Pick<Logger, 'warn' | 'error' | 'info'>;
};

/** WorkOS keeps events for 90 days; a day less, for its clock and ours. */
const REACH_MS = 89 * 24 * 60 * 60 * 1_000;

/**
 * Polls events. After a gap of the database, such as a restore leaves, the last stream that is read to its end closes the
 * gap, and replicas answer again. A gap that WorkOS's events do not span is left to a reconciliation.
 */
export function makeCatchUp({ db, gap, cursors, pollEvents, streams, clock, log }: Deps) {
  return async function catchUp(signal?: AbortSignal): Promise<void> {
    // Read first: what is polled from here on is as new as the gap's end.
    const since = await gap.since();
    if (since !== undefined)
      log.warn({ since }, 'database stood still; reading WorkOS events before anything is answered');
    const isAtEnd = await pollEvents(signal);
    if (since === undefined || !isAtEnd) return;
    if (clock().getTime() - Date.parse(since) > REACH_MS) {
      log.error({ since }, 'WorkOS events do not reach back to the last beat; run npm run reconcile');
      return;
    }
    await cursors.catchUp(since);
    if (!(await haveCaughtUp(db, streams, since))) return;
    await gap.close(since);
    log.info({ since }, 'mirror has caught up with WorkOS; answering again');
  };
}
