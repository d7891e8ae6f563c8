import type { WorkosEvent } from '../workos/events/event.ts';

/** Reads an event that was kept as JSON by this service: its times become dates again. */
export function readKeptEvent(payload: object): WorkosEvent {
  const read: unknown = JSON.parse(JSON.stringify(payload), (field, value: unknown) =>
    typeof value === 'string' && field.endsWith('At') ? new Date(value) : value,
  );
  return read as WorkosEvent;
}
