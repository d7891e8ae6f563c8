import { proposeCompletions, run } from '@stricli/core';
import { makeApplication } from './application.ts';
import type { Context } from './context.ts';
import { ASK } from './completion/ask.ts';
import { EXIT } from './failure.ts';

/** Runs the command with its arguments; the exit code is in `context.process.exitCode`. */
export async function runLatchkey(context: Context, args: readonly string[], version: string): Promise<void> {
  const application = makeApplication(version);
  if (args[0] === ASK) {
    const found = await proposeCompletions(application, args.slice(1), context);
    for (const { completion, brief } of found) context.process.stdout.write(`${completion}\t${brief}\n`);
    return;
  }
  const operating = serverArguments(args);
  if (operating) return runServer(context, operating);
  await run(application, args, context);
  // The library's own codes are negative: for arguments it cannot read, and for its own errors.
  const { exitCode } = context.process;
  if (typeof exitCode === 'number' && exitCode < 0) context.process.exitCode = EXIT.usage;
}

/** `latchkey server …` and `latchkey dev` belong to the service's own package, which reads their arguments itself. */
function serverArguments([first, ...rest]: readonly string[]): readonly string[] | undefined {
  if (first === 'dev') return ['dev', ...rest];
  return first === 'server' ? rest : undefined;
}

async function runServer(context: Context, args: readonly string[]): Promise<void> {
  const code = await context.runServer(args);
  if (code === undefined)
    context.process.stderr.write(
      'The package latchkey-server is not installed here. Run npm install latchkey-server.\n',
    );
  context.process.exitCode = code ?? EXIT.failed;
}
