import { setTimeout as wait } from 'node:timers/promises';
import { EVENT_TYPES } from '../workos/events/event.ts';
import { organizationId } from './keys.ts';
import { expectStatus, list, text } from './read.ts';
import type { World } from './world.ts';

const PAGE = 100;
const MAX_PAGES = 100;
/** Clocks differ: ranges begin this much earlier. */
const MARGIN_MS = 5 * 60_000;

/** Reads all events of the throwaway organization, from behind a cursor or from the beginning. */
export async function readEvents(
  world: World,
  after?: string,
): Promise<{ events: unknown[]; last: string | undefined }> {
  const events: unknown[] = [];
  let cursor = after;
  for (let count = 0; count < MAX_PAGES; count += 1) {
    const page = await readPage(world, cursor);
    events.push(...page);
    cursor = text(page.at(-1), 'id') ?? cursor;
    if (page.length < PAGE) break;
  }
  return { events, last: cursor };
}

async function readPage(world: World, after: string | undefined): Promise<unknown[]> {
  const start = new Date(world.facts.startedAt.getTime() - MARGIN_MS).toISOString();
  const query: Record<string, string> = {
    events: EVENT_TYPES.join(','),
    organization_id: organizationId(world),
    limit: String(PAGE),
    ...(after === undefined ? { range_start: start } : { after }),
  };
  return list(expectStatus(await world.call('GET', '/events', { query }), 'a page of events', 200).body, 'data');
}

/** Reads all events again until the condition holds or the timeout passes. */
export async function readUntil(
  world: World,
  holds: (events: readonly unknown[]) => boolean,
): Promise<{ events: unknown[]; last: string | undefined }> {
  const deadline = Date.now() + world.options.waitMs;
  for (;;) {
    const read = await readEvents(world);
    if (holds(read.events) || Date.now() > deadline) return read;
    await wait(world.options.pauseMs, undefined, { signal: world.signal });
  }
}

export const keyOf = (event: unknown): string | undefined => text(event, 'data', 'id');
