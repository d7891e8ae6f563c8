import { randomUUID } from 'node:crypto';
import { toStderr } from '../context.ts';
import type { Context } from '../context.ts';
import { CommandFailure, EXIT, failureOf } from '../failure.ts';
import { command } from '../run.ts';
import type { ExitCode, Outcome } from '../run.ts';
import { maskOnGithub } from '../sinks/github.ts';
import { exchangeToken } from './exchange.ts';
import type { WantedFlags } from './exchange.ts';

export type ExecFlags = WantedFlags & { env: string };

/** Runs a program with a key of this job in its environment, and ends the key with it. Exits as the program does. */
export const exec = command(async (context: Context, flags: ExecFlags, ...program: string[]): Promise<Outcome> => {
  const [name, ...args] = program;
  if (name === undefined) throw new CommandFailure(EXIT.usage, 'Give a program after --, which needs the key.');
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(flags.env))
    throw new CommandFailure(EXIT.usage, '--env needs a name of letters, digits and _.');
  const exchanged = await exchangeToken(context, flags, { idempotencyKey: randomUUID() });
  try {
    maskOnGithub(context, exchanged.access_token);
    const env = { [flags.env]: exchanged.access_token };
    const { code } = await context.runProgram(name, args, { env, isForeground: true });
    return code as ExitCode;
  } finally {
    await exchanged.giveBack().catch((error: unknown) => {
      const until = ('session' in exchanged ? exchanged.session : exchanged.api_key).expires_at;
      toStderr(context, `The key could not be ended, and works until ${until}: ${failureOf(error).message}\n`);
    });
  }
});
