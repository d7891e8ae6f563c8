import { parseEvent } from '../../workos/event.ts';
import { readEvents, readUntil } from '../events.ts';
import { COPES } from '../finding.ts';
import { text } from '../read.ts';
import type { World } from '../world.ts';

const EXPECTED = [
  'organization.created',
  'organization.updated',
  'api_key.created',
  'api_key.updated',
  'api_key.revoked',
];
const ISO = /T.*(?:Z|[+-]\d{2}:?\d{2})$/;

const kinds = (read: readonly unknown[]): string[] => [...new Set(read.map((event) => text(event, 'event') ?? '?'))];

/** Whatever happened since the organization was made, as the Events API tells it. */
export async function events(world: World): Promise<void> {
  const read = await readUntil(world, (all) => EXPECTED.every((type) => kinds(all).includes(type)));
  const seen = kinds(read.events);
  world.note(`${read.events.length} events: ${seen.join(', ')}.`);
  const missing = EXPECTED.filter((type) => !seen.includes(type));
  if (missing.length > 0)
    world.differs({
      name: 'events-missing',
      breaks: true,
      assumes: `that the Events API tells of a change within ${Math.ceil(world.options.patienceMs / 1_000)} seconds`,
      seen: `nothing of ${missing.join(', ')}`,
      todo: 'Switch these events on in the WorkOS dashboard, or repeat with more patience.',
    });
  judgeEvents(world, read.events);
  if (read.last === undefined) return;
  const { events: beyond } = await readEvents(world, read.last);
  world.note(`Behind the last event: ${beyond.length} more.`);
}

function judgeEvents(world: World, all: readonly unknown[]): void {
  const unreadable = all.filter((event) => !parseEvent(event).success);
  const form = all.map((event) => text(event, 'created_at') ?? '').find((time) => !ISO.test(time));
  if (form !== undefined)
    world.differs({
      name: 'timestamp-form',
      breaks: unreadable.length > 0,
      assumes: 'that times are ISO 8601 with an offset',
      seen: form,
      todo: unreadable.length > 0 ? 'Report this: such events cannot be applied.' : COPES,
    });
  else if (unreadable.length > 0)
    world.differs({
      name: 'event-unreadable',
      breaks: true,
      assumes: 'that it can read every event of the kinds that it asks for',
      seen: [...new Set(unreadable.map((event) => text(event, 'event') ?? '?'))].join(', '),
      todo: 'Report this: what these events tell is not applied.',
    });
  const times = all.map((event) => Date.parse(text(event, 'created_at') ?? ''));
  if (times.some((time, index) => index > 0 && time < times[index - 1]!))
    world.differs({
      name: 'event-order',
      breaks: false,
      assumes: 'nothing: events may come in any order',
      seen: 'an event before an older one',
      todo: COPES,
    });
}
