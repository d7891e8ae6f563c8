import type { Logger } from 'pino';
import type { Items } from '../background/items.ts';
import type { Clock } from '../clock.ts';
import type { FaultPoint } from '../process/fault-point.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { WorkosFailure } from '../workos/failure.ts';
import type { WorkosEvent } from '../workos/events/event.ts';
import type { EventsPage, WorkosGateway } from '../workos/gateway.ts';
import { applyEach } from './apply-each.ts';
import type { ApplyEvent } from './apply-event.ts';
import type { EventCursors, Lease, Position } from './event-cursors.ts';
import type { RecordUnreadable } from './unreadable-events.ts';

type Deps = {
  cursors: EventCursors;
  workos: Pick<WorkosGateway, 'listEvents'>;
  applyEvent: ApplyEvent;
  items: Pick<Items, 'each' | 'due'>;
  recordUnreadable: RecordUnreadable;
  workosEvents: Metrics['workosEvents'];
  /** How long a page may take; then another replica takes over. */
  leaseMs: number;
  at: FaultPoint;
  clock: Clock;
  log: Pick<Logger, 'warn' | 'error'>;
};

const SET_ASIDE_BATCH = 100;
const DAY_MS = 24 * 60 * 60 * 1_000;
/** WorkOS's own limits: events are kept for 90 days, and one request spans at most 30. */
const RETENTION_MS = 90 * DAY_MS;
const MAX_RANGE_MS = 30 * DAY_MS;
/** Events can become visible after later ones: without a cursor, this much is read again. */
const OVERLAP_MS = 10 * 60_000;

export type PollEvents = ReturnType<typeof makePollEvents>;

/**
 * Polls WorkOS's events from the saved cursor to the end, and applies each. A page is applied, and its unreadable events
 * are stored, before the cursor behind it is saved: applying twice changes nothing, skipping would lose events.
 * @returns whether it came to the end
 */
export function makePollEvents(deps: Deps) {
  return async function pollEvents(signal?: AbortSignal): Promise<boolean> {
    const { cursors, leaseMs, clock } = deps;
    let lease = await cursors.take(leaseMs);
    if (!lease) return false;
    const read = new Set<string>();
    try {
      await applySetAside(deps);
      for (;;) {
        const page = await nextPage(deps, lease);
        if (page.more && isRepeated(read, page.after)) throw new Error('the cursors of WorkOS events repeat');
        const saved = await applyPage(deps, lease, page);
        // The lease expired, and another replica reads on.
        if (!saved) return false;
        // Assigned before anything can fail: the lease is released as it is now.
        lease = saved;
        await deps.at('events.saved');
        if (!page.more || signal?.aborted) {
          await cursors.release(lease, page.more ? undefined : clock());
          return !page.more;
        }
      }
    } catch (error) {
      // Any replica may retry at once.
      await cursors.release(lease).catch(() => undefined);
      throw error;
    }
  };
}

async function applyPage(deps: Deps, lease: Lease, page: EventsPage): Promise<Lease | undefined> {
  for (const event of page.unreadable) await deps.recordUnreadable(event, 'poll');
  if (page.others > 0) deps.workosEvents.inc({ type: 'other', source: 'poll', outcome: 'ignored' }, page.others);
  await applyEach(deps, page.events);
  await deps.at('events.applied');
  const position: Position = {
    cursor: page.after ?? lease.cursor,
    eventAt: page.events.at(-1)?.createdAt ?? lease.eventAt,
  };
  return deps.cursors.save(lease, position, deps.leaseMs);
}

async function applySetAside(deps: Deps): Promise<void> {
  const due = await deps.items.due(SET_ASIDE_BATCH);
  await applyEach(
    deps,
    due.map(({ payload }) => readStoredEvent(payload)),
  );
}

/** Reads an event that `applyEach` set aside as JSON: its times become dates again. */
function readStoredEvent(payload: object): WorkosEvent {
  const read: unknown = JSON.parse(JSON.stringify(payload), (field, value: unknown) =>
    typeof value === 'string' && field.endsWith('At') ? new Date(value) : value,
  );
  return read as WorkosEvent;
}

function isRepeated(read: Set<string>, cursor: string | undefined): boolean {
  if (cursor === undefined) return false;
  if (read.has(cursor)) return true;
  read.add(cursor);
  return false;
}

async function nextPage(deps: Deps, { cursor, eventAt }: Position): Promise<EventsPage> {
  if (cursor === undefined) return pageFrom(deps, eventAt);
  try {
    return await deps.workos.listEvents({ after: cursor });
  } catch (error) {
    if (!rejectsCursor(error)) throw error;
    deps.log.warn({ err: error, cursor }, 'WorkOS rejected the events cursor; reading on by time');
    return pageFrom(deps, eventAt);
  }
}

/** Returns the first page with an event from a time on, in ranges as long as WorkOS allows. */
async function pageFrom({ workos, clock, log }: Deps, eventAt: Date | undefined): Promise<EventsPage> {
  const now = clock().getTime();
  const oldest = now - RETENTION_MS;
  if (eventAt && eventAt.getTime() < oldest) {
    log.error({ since: eventAt }, 'WorkOS events lost: last poll is older than their retention; run npm run reconcile');
  }
  let start = eventAt ? Math.max(eventAt.getTime() - OVERLAP_MS, oldest) : now - MAX_RANGE_MS;
  for (;;) {
    const end = Math.min(start + MAX_RANGE_MS, now);
    // The last range has no end: WorkOS's clock may be ahead of ours.
    const rangeEnd = end < now ? new Date(end) : undefined;
    const page = await workos.listEvents({ rangeStart: new Date(start), rangeEnd });
    if (page.after !== undefined || end >= now) return page;
    start = end;
  }
}

/** Whether WorkOS rejected the cursor. An outage, or a rejected API key, says nothing about it. */
function rejectsCursor(error: unknown): boolean {
  return error instanceof WorkosFailure && [400, 404, 422].includes(error.workosStatus ?? 0);
}
