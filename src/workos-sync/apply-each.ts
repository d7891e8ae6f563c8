import type { Items } from '../background/items.ts';
import type { WorkosEvent } from '../workos/events/event.ts';
import type { ApplyEvent } from './apply-event.ts';

type Deps = { items: Pick<Items, 'each'>; applyEvent: ApplyEvent };

/** One after the other; an event that cannot be applied is set aside, and those behind it go on: any order will do. */
export function applyEach({ items, applyEvent }: Deps, events: readonly WorkosEvent[]): Promise<void> {
  return items.each(events, {
    name: (event) => ({ id: event.id, organizationId: undefined, payload: event }),
    work: (event) => applyEvent(event, { source: 'poll' }),
  });
}
