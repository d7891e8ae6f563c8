import { confirm } from '../confirm.ts';
import { connect } from '../connection.ts';
import { toStderr } from '../context.ts';
import type { Context } from '../context.ts';
import type { CallFlags, ConfirmFlags } from '../flags.ts';
import { printJson } from '../output/print.ts';
import { command } from '../run.ts';
import type { Outcome } from '../run.ts';

export const revokeKey = command(
  async (context: Context, flags: CallFlags & ConfirmFlags, id: string): Promise<Outcome> => {
    const client = await connect(context, flags);
    const { label, prefix } = await client.keys.get(id, { signal: context.signal });
    await confirm(context, flags, `Revoke ${JSON.stringify(label)} (${prefix})? Requests with it are refused at once.`);
    const answer = await client.keys.revoke(id, { signal: context.signal });
    if (flags.json) printJson(context, answer);
    else toStderr(context, `Revoked ${id}.\n`);
    return undefined;
  },
);
