import { confirm } from '../confirm.ts';
import { connect } from '../connection.ts';
import { toStderr } from '../context.ts';
import type { Context } from '../context.ts';
import type { CallFlags, ConfirmFlags } from '../flags.ts';
import { printJson } from '../output/print.ts';
import { command } from '../run.ts';
import type { Outcome } from '../run.ts';

export type SuspendFlags = CallFlags & ConfirmFlags & { reason?: string };

export const suspendKey = command(async (context: Context, flags: SuspendFlags, id: string): Promise<Outcome> => {
  const client = await connect(context, flags);
  const { label, prefix } = await client.keys.get(id, { signal: context.signal });
  const question = `Suspend ${JSON.stringify(label)} (${prefix})? Requests with it are refused until it is resumed.`;
  await confirm(context, flags, question);
  const { reason } = flags;
  const answer = await client.keys.suspend(id, reason === undefined ? {} : { reason }, { signal: context.signal });
  if (flags.json) printJson(context, answer);
  else toStderr(context, `Suspended ${id}.\n`);
  return undefined;
});
