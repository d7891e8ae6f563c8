import type { Items } from '../background/items.ts';
import type { Clock } from '../clock.ts';
import type { WorkosGateway } from '../workos/gateway.ts';
import { applyEach } from './apply-each.ts';
import type { ApplyEvent } from './apply-event.ts';
import type { EventCursors } from './event-cursors.ts';
import type { RecordUnreadable } from './unreadable-events.ts';

type Deps = {
  /** The lease, and the time of the last read. */
  cursors: Pick<EventCursors, 'take' | 'release' | 'polledAt'>;
  workos: Pick<WorkosGateway, 'listEvents'>;
  applyEvent: ApplyEvent;
  /** The items of the polling loop: an event that fails is set aside once for both loops. */
  items: Pick<Items, 'each'>;
  recordUnreadable: RecordUnreadable;
  everyMs: number;
  leaseMs: number;
  clock: Clock;
};

const WINDOW_MS = 10 * 60_000;
/** Covers the difference between WorkOS's clock and ours, and a late read. */
const SLACK_MS = 5 * 60_000;
const MAX_PAGES = 100;

/**
 * Reads the events of the last ten minutes again. WorkOS does not promise that events become visible in order: without a
 * webhook, one that appears behind the cursor would be lost. Applying an event twice changes nothing.
 */
export function makeRereadEvents(deps: Deps) {
  const { cursors, workos, recordUnreadable, everyMs, leaseMs, clock } = deps;

  async function readPages(rangeStart: Date, signal: AbortSignal | undefined): Promise<void> {
    let page = await workos.listEvents({ rangeStart, rangeEnd: undefined });
    for (let pages = 1; ; pages++) {
      for (const event of page.unreadable) await recordUnreadable(event, 'poll');
      await applyEach(deps, page.events);
      if (!page.more || page.after === undefined || pages >= MAX_PAGES || signal?.aborted) return;
      page = await workos.listEvents({ after: page.after });
    }
  }

  return async function rereadEvents(signal?: AbortSignal): Promise<void> {
    const now = clock();
    const last = await cursors.polledAt();
    // Every replica runs this loop; one read is enough for all.
    if (last && now.getTime() - last.getTime() < everyMs / 2) return;
    const lease = await cursors.take(leaseMs);
    if (!lease) return;
    try {
      // After a pause, reads again as much as the pause left out.
      const since = last === undefined ? 0 : Math.min(now.getTime() - last.getTime(), 24 * 60 * 60_000);
      await readPages(new Date(now.getTime() - Math.max(WINDOW_MS, since) - SLACK_MS), signal);
      await cursors.release(lease, now);
    } catch (error) {
      await cursors.release(lease).catch(() => undefined);
      throw error;
    }
  };
}
