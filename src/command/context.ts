import type { CommandContext } from '@stricli/core';
import type { Fetch } from '../client/fetch.ts';

export type Ended = { code: number; stdout: string; stderr: string };
export type RunProgram = (
  program: string,
  args: readonly string[],
  options?: { input?: string; env?: Readonly<Record<string, string>>; isForeground?: boolean; timeoutMs?: number },
) => Promise<Ended>;

/** What a command may touch; handed in, so that tests run commands in their own process. */
export type Context = CommandContext & {
  process: {
    stdout: { write: (text: string) => void };
    stderr: { write: (text: string) => void };
    exitCode?: number | string | null;
  };
  env: Readonly<Record<string, string | undefined>>;
  /** Whether a person reads the output, and can be asked. */
  isTerminal: boolean;
  /** Whether a person sees standard error, and with it progress. */
  showsProgress: boolean;
  /** Standard input as it comes. */
  stdin: () => AsyncIterable<Uint8Array>;
  /** Reads standard input to its end: at most so many characters. */
  readStdin: (limit: number) => Promise<string>;
  /** Asks the person at the terminal, and returns the line. */
  ask: (question: string) => Promise<string>;
  fetch: Fetch;
  now: () => Date;
  sleep: (milliseconds: number) => Promise<void>;
  /** Runs a program with a text on its standard input, or in the foreground of this terminal. */
  runProgram: RunProgram;
  /** Yields what a program writes, as it comes. @throws Error for a program that fails, with what it says of it */
  readProgram: (program: string, args: readonly string[]) => AsyncIterable<Uint8Array>;
  /** Runs the installed `latchkey-server`, with this terminal; undefined where it is not installed. */
  runServer: (args: readonly string[]) => Promise<number | undefined>;
  /** Aborted by Ctrl-C. */
  signal: AbortSignal;
  platform: NodeJS.Platform;
  /** The folder of profiles and credentials. */
  folder: string;
  /** The folder that paths of arguments start from. */
  workingFolder: string;
};

export const toStdout = (context: Context, text: string) => context.process.stdout.write(text);
export const toStderr = (context: Context, text: string) => context.process.stderr.write(text);
