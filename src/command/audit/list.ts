import type { AuditEvent, AuditFilters, Page } from '../../client/shapes.ts';
import { connect } from '../connection.ts';
import { toStdout } from '../context.ts';
import type { Context } from '../context.ts';
import type { CallFlags, ConnectionFlags } from '../flags.ts';
import { column, printList } from '../output/print.ts';
import type { Column } from '../output/table.ts';
import { command } from '../run.ts';
import type { Outcome } from '../run.ts';

const LIMIT = 20;
const PAGE = 100;
const PAUSE_MS = 2_000;

export type FilterFlags = { action?: readonly string[]; target?: string; actor?: string; from?: string; to?: string };
export type AuditListFlags = CallFlags & FilterFlags & { limit?: number };
export type AuditTailFlags = ConnectionFlags & { json?: boolean } & Pick<FilterFlags, 'action' | 'target' | 'actor'>;

const columns: readonly Column[] = [
  column('TIME', 'occurred_at'),
  column('ACTION', 'action'),
  ['ACTOR', (row) => (row as AuditEvent).actor.name ?? (row as AuditEvent).actor.id],
  ['TARGET', (row) => (row as AuditEvent).target.id],
  column('ADDRESS', 'ip'),
  column('REQUEST', 'request_id'),
];

export const filtersOf = ({ action, target, actor, from, to }: FilterFlags): AuditFilters => ({
  action,
  target_id: target,
  actor_id: actor,
  from,
  to,
});

export const listEvents = command(async (context: Context, flags: AuditListFlags): Promise<Outcome> => {
  const client = await connect(context, flags);
  const query = { ...filtersOf(flags), limit: flags.limit ?? LIMIT };
  const answer = await client.audit.list(query, { signal: context.signal });
  printList(context, flags, answer, { columns, rows: answer.data, empty: 'No events.' });
  return undefined;
});

/** Prints new events as they come, the oldest first, until it is interrupted. */
export const tailEvents = command(async (context: Context, flags: AuditTailFlags): Promise<Outcome> => {
  const client = await connect(context, flags);
  const read = async (newerThan: string | undefined) =>
    client.audit.list(
      { ...filtersOf(flags), limit: PAGE, ...(newerThan !== undefined && { before: newerThan }) },
      {
        signal: context.signal,
      },
    );
  let newest = newestOf(await read(undefined));
  for (;;) {
    const page = await read(newest);
    for (const event of page.data.toReversed()) print(context, flags, event);
    newest = newestOf(page) ?? newest;
    if (page.data.length < PAGE) await context.sleep(PAUSE_MS);
  }
});

/** The cursor of a page's newest event, from which `before` reads on. */
function newestOf({ data }: Page<AuditEvent>): string | undefined {
  return data[0]?.id;
}

function print(context: Context, flags: AuditTailFlags, event: AuditEvent): void {
  if (flags.json) toStdout(context, `${JSON.stringify(event)}\n`);
  else printList({ ...context, isTerminal: false }, flags, event, { columns, rows: [event] });
}
