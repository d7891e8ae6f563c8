import { toStderr, toStdout } from '../context.ts';
import type { Context } from '../context.ts';
import { CommandFailure, EXIT } from '../failure.ts';
import { dotenvSink } from './dotenv.ts';
import { fileSink } from './file.ts';
import { ENVIRONMENT, OUTPUT, githubSink, repositorySecretSink } from './github.ts';
import { kubernetesSink } from './kubernetes.ts';
import { programSink } from './program.ts';
import type { Sink } from './sink.ts';
import type { SinkFlags } from './sink-flags.ts';

/** Returns where the secret goes, by the flags; undefined: to the output. @throws CommandFailure for several */
export function chosenSink(context: Context, flags: SinkFlags, program: readonly string[]): Sink | undefined {
  const { out, dotenv, githubOutput, githubEnv, ghSecret, k8s, exec } = flags;
  if (!exec && program.length > 0) throw new CommandFailure(EXIT.usage, 'A program after -- needs --exec.');
  const makers: (Sink | undefined | false)[] = [
    out !== undefined && fileSink(out),
    dotenv !== undefined && dotenvSink(dotenv),
    githubOutput !== undefined && githubSink(context, OUTPUT, githubOutput),
    githubEnv !== undefined && githubSink(context, ENVIRONMENT, githubEnv),
    ghSecret !== undefined && repositorySecretSink(context, ghSecret),
    k8s !== undefined && kubernetesSink(context, k8s),
    exec && programSink(context, program),
  ];
  const chosen = makers.filter((sink) => sink !== undefined && sink !== false);
  if (chosen.length > 1) throw new CommandFailure(EXIT.usage, 'Give one place for the secret, not several.');
  return chosen[0];
}

/** Prints the secret: to a person once and with a warning, to a program as one line. */
export function printSecret(context: Context, secret: string): void {
  toStdout(context, `${secret}\n`);
  if (context.isTerminal) toStderr(context, 'Copy it now: it is not shown again.\n');
}
