import { connect } from '../connection.ts';
import type { Context } from '../context.ts';
import { CommandFailure, EXIT } from '../failure.ts';
import type { CallFlags } from '../flags.ts';
import { printOne } from '../output/print.ts';
import { command } from '../run.ts';
import type { Outcome } from '../run.ts';
import { keyFacts } from './columns.ts';

export type ExtendFlags = CallFlags & { expiresIn?: string; expiresAt?: string };

/** Moves a key's expiry: earlier always, later where the product allows it. */
export const extendKey = command(async (context: Context, flags: ExtendFlags, id: string): Promise<Outcome> => {
  const { expiresIn, expiresAt } = flags;
  if ((expiresIn === undefined) === (expiresAt === undefined))
    throw new CommandFailure(EXIT.usage, 'Give either --expires-in or --expires-at.');
  const client = await connect(context, flags);
  const change = expiresIn === undefined ? { expires_at: expiresAt } : { expires_in: expiresIn };
  printOne(context, flags, await client.keys.update(id, change, { signal: context.signal }), keyFacts(context));
  return undefined;
});
