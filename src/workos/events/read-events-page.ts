import { z } from 'zod';
import type { EventsPage } from '../gateway.ts';
import { MalformedAnswer } from '../answers/malformed-answer.ts';
import { idOfEvent, readEvent } from './read-event.ts';

const EventList = z.object({
  data: z.array(z.unknown()).max(1_000),
  list_metadata: z.object({ after: z.string().max(256).nullish() }).nullish(),
});

/**
 * Reads a page of events, asked for behind the event `asked`.
 * @throws MalformedAnswer for a cursor that stands still: read on, it would never end
 */
export function readEventsPage(data: unknown, asked: string | undefined): EventsPage {
  const page = EventList.parse(data);
  const after = page.list_metadata?.after ?? undefined;
  if (after !== undefined && after === asked) throw new MalformedAnswer('the cursor of events stands still');
  const read = page.data.map((raw) => readEvent(raw));
  const last = page.data.at(-1);
  return {
    events: read.flatMap((one) => (one.kind === 'event' ? [one.event] : [])),
    unreadable: read.flatMap((one) => (one.kind === 'unreadable' ? [one.event] : [])),
    others: read.filter(({ kind }) => kind === 'other').length,
    // At the end of the list WorkOS names no cursor; the last event's own id is where to go on later.
    after: after ?? (last === undefined ? undefined : idOfEvent(last)),
    more: after !== undefined,
  };
}
