import { connect } from '../connection.ts';
import type { Context } from '../context.ts';
import type { CallFlags } from '../flags.ts';
import { column, printList, textOf } from '../output/print.ts';
import type { Column } from '../output/table.ts';
import { command } from '../run.ts';
import type { Outcome } from '../run.ts';

export type UsageFlags = CallFlags & { from?: string; to?: string; interval?: 'hour' | 'day' };

const COLUMNS: readonly Column[] = [
  column('START', 'start'),
  column('TOTAL', 'total'),
  ['BY OUTCOME', (row) => textOf(Object.entries((row as { codes: object }).codes).map((pair) => pair.join('=')))],
];

/** How often one key was used; without an id: the keys of the organization. */
export const showUsage = command(async (context: Context, flags: UsageFlags, id?: string): Promise<Outcome> => {
  const client = await connect(context, flags);
  const query = { from: flags.from, to: flags.to, interval: flags.interval };
  const call = { signal: context.signal };
  const answer = await (id === undefined ? client.organization.usage(query, call) : client.keys.usage(id, query, call));
  const rows = answer.data.filter(({ total }) => total > 0);
  printList(context, flags, answer, { columns: COLUMNS, rows, empty: 'Not used in this range.' });
  return undefined;
});
