import { connect } from '../connection.ts';
import { toStderr } from '../context.ts';
import type { Context } from '../context.ts';
import type { CallFlags } from '../flags.ts';
import { printJson } from '../output/print.ts';
import { command } from '../run.ts';
import type { Outcome } from '../run.ts';

export const resumeKey = command(async (context: Context, flags: CallFlags, id: string): Promise<Outcome> => {
  const client = await connect(context, flags);
  const answer = await client.keys.resume(id, { signal: context.signal });
  if (flags.json) printJson(context, answer);
  else toStderr(context, `Resumed ${id}.\n`);
  return undefined;
});
