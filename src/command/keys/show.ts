import { connect } from '../connection.ts';
import type { Context } from '../context.ts';
import type { CallFlags } from '../flags.ts';
import { printOne } from '../output/print.ts';
import { command } from '../run.ts';
import type { Outcome } from '../run.ts';
import { keyFacts } from './columns.ts';

export const showKey = command(async (context: Context, flags: CallFlags, id: string): Promise<Outcome> => {
  const client = await connect(context, flags);
  printOne(context, flags, await client.keys.get(id, { signal: context.signal }), keyFacts(context));
  return undefined;
});
