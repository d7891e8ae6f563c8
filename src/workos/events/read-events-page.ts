import { z } from 'zod';
import type { EventsPage } from '../gateway.ts';
import { MalformedAnswer } from '../answers/malformed-answer.ts';
import { idOfEvent, readEvent } from './read-event.ts';

const EventList = z.object({
  data: z.array(z.unknown()).max(1_000),
  list_metadata: z.object({ after: z.string().max(256).nullish() }).nullish(),
});

/**
 * Reads a page of events that was requested with the cursor `requested`.
 * @throws MalformedAnswer when the next cursor is the same: reading on would never end
 */
export function readEventsPage(data: unknown, requested: string | undefined): EventsPage {
  const page = EventList.parse(data);
  const after = page.list_metadata?.after ?? undefined;
  if (after !== undefined && after === requested) throw new MalformedAnswer('the cursor of events repeats');
  const read = page.data.map((raw) => readEvent(raw));
  const last = page.data.at(-1);
  return {
    events: read.flatMap((one) => (one.kind === 'event' ? [one.event] : [])),
    unreadable: read.flatMap((one) => (one.kind === 'unreadable' ? [one.event] : [])),
    others: read.filter(({ kind }) => kind === 'other').length,
    // On the last page WorkOS names no cursor: the id of the last event is where to read on later.
    after: after ?? (last === undefined ? undefined : idOfEvent(last)),
    more: after !== undefined,
  };
}
