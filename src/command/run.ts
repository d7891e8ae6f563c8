import { toStderr } from './context.ts';
import type { Context } from './context.ts';
import { CommandFailure, EXIT, failureOf } from './failure.ts';
import type { ExitCode } from './failure.ts';

export type { ExitCode };
/** What a command ends with, unless with 0. */
export type Outcome = ExitCode | undefined;
type Work<Flags, Args extends readonly unknown[]> = (context: Context, flags: Flags, ...args: Args) => Promise<Outcome>;

/** Makes a command of a function: its failure becomes one line on standard error, and an exit code. */
export function command<Flags, Args extends readonly unknown[] = []>(work: Work<Flags, Args>) {
  return async function run(this: Context, flags: Flags, ...args: Args): Promise<void> {
    try {
      this.process.exitCode = (await work(this, flags, ...args)) ?? EXIT.done;
    } catch (error) {
      const { exitCode, envelope, message } = failureOf(error);
      const asJson = (flags as { json?: boolean }).json === true && envelope !== undefined;
      toStderr(this, `${asJson ? JSON.stringify(envelope) : message}\n`);
      this.process.exitCode = exitCode;
    }
  };
}

/** A command that checks something. It exits with 2 when it cannot look. */
export function check<Flags, Args extends readonly unknown[] = []>(work: Work<Flags, Args>) {
  return command<Flags, Args>(async (context, flags, ...args) => {
    try {
      return await work(context, flags, ...args);
    } catch (error) {
      const { message, envelope, exitCode } = failureOf(error);
      const code = exitCode === EXIT.interrupted ? exitCode : EXIT.usage;
      throw new CommandFailure(code, message, { ...(envelope && { envelope }), cause: error });
    }
  });
}
