import { z } from 'zod';
import { HttpError, invalidRequest } from '../http/http-error.ts';
import { parse } from '../http/parse.ts';
import type { Reply, Route } from '../http/route.ts';
import type { EventFilter, EventLog } from './event-log.ts';

const MAX_RANGE_MS = 30 * 24 * 60 * 60 * 1000;

const Query = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(10),
  after: z.string().min(1).optional(),
  organization_id: z.string().min(1).optional(),
  range_start: z.string().optional(),
  range_end: z.string().optional(),
});

export function eventRoutes(events: EventLog): Route[] {
  return [{ method: 'get', path: '/events', access: 'environment', handle: ({ query }) => list(events, query) }];
}

/** Ignores `order` and `before`: WorkOS, too, always lists the oldest first. */
function list(events: EventLog, query: URLSearchParams): Reply {
  const filter = readFilter(query);
  const found = events.list({ ...filter, limit: filter.limit + 1 });
  if (!found) throw new HttpError(400, { message: `No such event: '${filter.after}'.` });
  const data = found.slice(0, filter.limit);
  const after = found.length > filter.limit ? (data.at(-1)?.id ?? null) : null;
  return { status: 200, body: { object: 'list', data, list_metadata: { after } } };
}

function readFilter(query: URLSearchParams): EventFilter {
  const { limit, after, organization_id: organizationId, ...range } = parse(Query, Object.fromEntries(query));
  if (after !== undefined && range.range_start !== undefined) {
    throw new HttpError(400, { message: 'after and range_start are mutually exclusive.' });
  }
  return { limit, after, organizationId, types: readTypes(query), ...readRange(range) };
}

/** Reads `events=a,b`, `events=a&events=b`, `events[]=a` and `events[0]=a`. */
const readTypes = (query: URLSearchParams): string[] =>
  [...query]
    .flatMap(([name, value]) => (/^events(?:\[\d*\])?$/.test(name) ? value.split(',') : []))
    .filter((type) => type !== '');

type Range = Pick<z.output<typeof Query>, 'range_start' | 'range_end'>;

/** Reads a range of at most 30 days, which is also the range after a start without an end. */
function readRange({ range_start, range_end }: Range): Pick<EventFilter, 'from' | 'until'> {
  const from = readMoment('range_start', range_start);
  const until = readMoment('range_end', range_end);
  if (from === undefined) return { from, until: until?.toISOString() };
  const last = new Date(from.getTime() + MAX_RANGE_MS);
  if (until && until > last) throw new HttpError(400, { message: 'A range may span at most 30 days.' });
  return { from: from.toISOString(), until: (until ?? last).toISOString() };
}

function readMoment(field: string, text: string | undefined): Date | undefined {
  if (text === undefined) return undefined;
  const moment = new Date(text);
  if (!Number.isNaN(moment.getTime())) return moment;
  throw invalidRequest([{ field, code: 'invalid_date', message: `${field} must be an ISO-8601 date.` }]);
}
