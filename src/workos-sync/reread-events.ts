import type { Items } from '../background/items.ts';
import type { Clock } from '../clock.ts';
import type { WorkosGateway } from '../workos/gateway.ts';
import { applyEach } from './apply-each.ts';
import type { ApplyEvent } from './apply-event.ts';
import type { EventCursors } from './event-cursors.ts';
import type { KeepUnreadable } from './unreadable-events.ts';

type Deps = {
  /** Which replica reads, and when that was done last. */
  cursors: Pick<EventCursors, 'take' | 'release' | 'polledAt'>;
  workos: Pick<WorkosGateway, 'listEvents'>;
  applyEvent: ApplyEvent;
  /** Of the loop that reads in order: what cannot be applied is set aside once for both. */
  items: Pick<Items, 'each'>;
  keepUnreadable: KeepUnreadable;
  everyMs: number;
  leaseMs: number;
  clock: Clock;
};

const WINDOW_MS = 10 * 60_000;
/** By so much the clocks of WorkOS and of this machine may differ, and a reading may come late. */
const SLACK_MS = 5 * 60_000;
const MAX_PAGES = 100;

/**
 * Reads the events of the last ten minutes again. Nothing promises that events become visible in their order: one that
 * appeared behind the cursor would otherwise be lost where no webhook brings it. What is applied twice changes nothing.
 */
export function makeRereadEvents(deps: Deps) {
  const { cursors, workos, keepUnreadable, everyMs, leaseMs, clock } = deps;

  async function readPages(rangeStart: Date, signal: AbortSignal | undefined): Promise<void> {
    let page = await workos.listEvents({ rangeStart, rangeEnd: undefined });
    for (let pages = 1; ; pages++) {
      for (const event of page.unreadable) await keepUnreadable(event, 'poll');
      await applyEach(deps, page.events);
      if (!page.more || page.after === undefined || pages >= MAX_PAGES || signal?.aborted) return;
      page = await workos.listEvents({ after: page.after });
    }
  }

  return async function rereadEvents(signal?: AbortSignal): Promise<void> {
    const now = clock();
    const last = await cursors.polledAt();
    // Every replica has this loop; one reading serves them all.
    if (last && now.getTime() - last.getTime() < everyMs / 2) return;
    const lease = await cursors.take(leaseMs);
    if (!lease) return;
    try {
      // After a pause, as much as was not read again in it.
      const since = last === undefined ? 0 : Math.min(now.getTime() - last.getTime(), 24 * 60 * 60_000);
      await readPages(new Date(now.getTime() - Math.max(WINDOW_MS, since) - SLACK_MS), signal);
      await cursors.release(lease, now);
    } catch (error) {
      await cursors.release(lease).catch(() => undefined);
      throw error;
    }
  };
}
