import type { Context } from './context.ts';
import { CommandFailure, EXIT } from './failure.ts';
import type { ConfirmFlags } from './flags.ts';

/** Asks before something ends. @throws CommandFailure when the person declines, and without a terminal and `--yes` */
export async function confirm(context: Context, { yes }: ConfirmFlags, question: string): Promise<void> {
  if (yes) return;
  if (!context.isTerminal) throw new CommandFailure(EXIT.usage, `${question} Without a terminal, give --yes.`);
  const answer = await context.ask(`${question} [y/N] `);
  if (!/^y(?:es)?$/i.test(answer.trim())) throw new CommandFailure(EXIT.failed, 'Nothing was changed.');
}
