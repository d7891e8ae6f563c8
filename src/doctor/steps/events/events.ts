import { parseEvent } from '../../../workos/events/event.ts';
import { readTime } from '../../../workos/events/time.ts';
import { readEvents, readUntil } from '../../events.ts';
import { COPES } from '../../finding.ts';
import { text } from '../../read.ts';
import type { World } from '../../world.ts';

const EXPECTED = [
  'organization.created',
  'organization.updated',
  'api_key.created',
  'api_key.updated',
  'api_key.revoked',
];
const ISO = /T.*(?:Z|[+-]\d{2}:?\d{2})$/;

const kinds = (read: readonly unknown[]): string[] => [
  ...new Set(read.map((event) => text(event, 'event') ?? 'an event without a kind')),
];
const timeOf = (event: unknown): string => text(event, 'created_at') ?? '';

/** Reads the events of the earlier steps from the Events API. */
export async function events(world: World): Promise<void> {
  const read = await readUntil(world, (all) => EXPECTED.every((type) => kinds(all).includes(type)));
  const seen = kinds(read.events);
  world.note(`${read.events.length} events: ${seen.join(', ')}.`);
  const missing = EXPECTED.filter((type) => !seen.includes(type));
  if (missing.length > 0)
    world.differs({
      name: 'events-missing',
      breaks: true,
      assumes: `that the Events API shows a change within ${Math.ceil(world.options.waitMs / 1_000)} seconds`,
      seen: `no ${missing.join(', ')}`,
      todo: 'Switch these events on in the WorkOS dashboard, or repeat with a longer --timeout.',
    });
  judgeEvents(world, read.events);
  if (read.last === undefined) return;
  const { events: beyond } = await readEvents(world, read.last);
  world.note(`Events behind the cursor of the last one: ${beyond.length}.`);
}

function judgeEvents(world: World, all: readonly unknown[]): void {
  judgeTimes(world, all);
  // Unreadable times are reported by judgeTimes.
  const unreadable = all.filter((event) => readTime(timeOf(event)) !== undefined && !parseEvent(event).success);
  if (unreadable.length > 0)
    world.differs({
      name: 'event-unreadable',
      breaks: true,
      assumes: 'that it can read every event of the kinds that it polls',
      seen: kinds(unreadable).join(', '),
      todo: 'Report this: these events are not applied.',
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

function judgeTimes(world: World, all: readonly unknown[]): void {
  const forms = all.map((event) => timeOf(event)).filter((time) => !ISO.test(time));
  const [form] = forms;
  if (form === undefined) return;
  const unread = forms.find((time) => readTime(time) === undefined);
  world.differs({
    name: 'timestamp-form',
    breaks: unread !== undefined,
    assumes: 'that times are ISO 8601 with an offset',
    seen: unread ?? form,
    todo: unread === undefined ? COPES : 'Report this: such events cannot be applied.',
  });
}
