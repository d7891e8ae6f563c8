import type { Items } from '../background/items.ts';
import type { WorkosEvent } from '../workos/events/event.ts';
import type { ApplyEvent } from './apply-event.ts';

type Deps = { items: Pick<Items, 'each'>; applyEvent: ApplyEvent };

/** Applies events in turn. An event that fails is set aside and does not hold up the next: any order is right. */
export function applyEach({ items, applyEvent }: Deps, events: readonly WorkosEvent[]): Promise<void> {
  return items.each(events, {
    name: (event) => ({ id: event.id, organizationId: undefined, payload: event }),
    work: (event) => applyEvent(event, { source: 'poll' }),
  });
}
