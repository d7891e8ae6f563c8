import { connect } from '../connection.ts';
import type { Context } from '../context.ts';
import type { CallFlags } from '../flags.ts';
import { column, printList } from '../output/print.ts';
import { command } from '../run.ts';
import type { Outcome } from '../run.ts';

const SETS = [
  column('NAME', 'name'),
  column('ALLOWED', 'allowed'),
  column('SCOPES', 'scopes'),
  column('DESCRIPTION', 'description'),
];
const SCOPES = [
  column('GROUP', 'group'),
  column('SCOPE', 'name'),
  column('CHOOSABLE', 'choosable'),
  column('IMPLIES', 'implies'),
  column('DESCRIPTION', 'description'),
];

/** The permission sets that a key can be made from. */
export const listSets = command(async (context: Context, flags: CallFlags): Promise<Outcome> => {
  const client = await connect(context, flags);
  const answer = await client.permissionSets.list({ signal: context.signal });
  printList(context, flags, answer, { columns: SETS, rows: answer.data, empty: 'No permission sets.' });
  return undefined;
});

/** The scopes that a key can have, in their groups. */
export const listScopes = command(async (context: Context, flags: CallFlags): Promise<Outcome> => {
  const client = await connect(context, flags);
  const answer = await client.permissions.list({ signal: context.signal });
  const rows = answer.data.flatMap(({ group, permissions }) => permissions.map((one) => ({ group, ...one })));
  printList(context, flags, answer, { columns: SCOPES, rows, empty: 'No scopes.' });
  return undefined;
});
