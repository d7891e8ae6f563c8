import { invalidFields } from '../../http/validate.ts';
import type { RecordedEvent } from '../audit-event.ts';
import type { AuditFilter, AuditRepository } from '../audit-repository.ts';
import { csvLine } from './csv-line.ts';

type Deps = { auditEvents: Pick<AuditRepository, 'rangeOf' | 'within'> };

/** The most events that a file looks through. */
export const MAX_EVENTS = 100_000;
/** Events of one statement, and of one piece of the file. */
const WINDOW = 1_000;

const COLUMNS = {
  sequence: ({ sequence }) => String(sequence),
  id: ({ id }) => id,
  occurred_at: ({ occurredAt }) => occurredAt.toISOString(),
  action: ({ action }) => action,
  actor_kind: ({ actor }) => actor.kind,
  actor_id: ({ actor }) => actor.id,
  target_kind: ({ target }) => target.kind,
  target_id: ({ target }) => target.id,
  request_id: ({ requestId }) => requestId ?? '',
  ip: ({ ip }) => ip ?? '',
  details: ({ details }) => JSON.stringify(details),
} satisfies Record<string, (event: RecordedEvent) => string>;

export const COLUMN_NAMES = Object.keys(COLUMNS);

/** Makes the export of an organization's events as CSV, newest first, in pieces of at most 1,000 events. */
export function makeExportEvents({ auditEvents }: Deps) {
  async function* linesOf(organizationId: string, filter: AuditFilter, first: number, last: number) {
    yield csvLine(COLUMN_NAMES);
    for (let to = last; to >= first; to -= WINDOW) {
      const from = Math.max(first, to - WINDOW + 1);
      const events = await auditEvents.within(organizationId, filter, { from, to });
      if (events.length > 0) yield events.map(lineOf).join('');
    }
  }

  /** Events that are recorded later are not in it. @throws AppError `validation_error` for a range of too many events */
  return async function exportEvents(organizationId: string, filter: AuditFilter): Promise<AsyncIterable<string>> {
    const { first, last } = await auditEvents.rangeOf(organizationId, filter);
    const count = last - first + 1;
    if (count > MAX_EVENTS)
      throw invalidFields({
        from: `At most ${format(MAX_EVENTS)} events in one file; about ${format(count)} were recorded in this time. Give a shorter one.`,
      });
    return linesOf(organizationId, filter, first, last);
  };
}

function lineOf(event: RecordedEvent): string {
  return csvLine(Object.values(COLUMNS).map((cell) => cell(event)));
}

function format(count: number): string {
  return count.toLocaleString('en');
}
