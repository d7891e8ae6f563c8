import { parseArgs } from 'node:util';
import type { ParseArgsOptionsConfig } from 'node:util';
import { z } from 'zod';
import { StartError } from '../errors.ts';

/** How many items a command lists at most. */
export const Limit = z.coerce.number().int().min(1).max(10_000);

export const toStdout = (text: string) => void process.stdout.write(text);
export const toStderr = (text: string) => void process.stderr.write(text);

/**
 * Reads the arguments of an operator's command; with `--help` among them, prints how the command is used and ends the
 * process with 0.
 * @throws StartError that says what is wrong and how the command is used
 */
export function readArguments<T extends ParseArgsOptionsConfig>(options: T, usage: string) {
  if (process.argv.slice(2).some((argument) => argument === '--help' || argument === '-h')) {
    toStdout(`${usage}\n`);
    process.exit(0);
  }
  try {
    return parseArgs({ options, strict: true, allowPositionals: true });
  } catch (error) {
    throw new StartError(`${(error as Error).message}\n${usage}`, { cause: error });
  }
}

type Failing = { failed: string; exitCode: number };

/**
 * Runs an operator's command, which returns its exit code. A failure becomes one line on standard error, `failed` before
 * what is no StartError, and the given exit code.
 */
export async function runCommand(run: () => Promise<number>, { failed, exitCode }: Failing): Promise<void> {
  // A reader such as `head` may have seen enough of it.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  try {
    process.exitCode = await run();
  } catch (error) {
    const { message } = error as Error;
    toStderr(error instanceof StartError ? `${message}\n` : `${failed}: ${message}\n`);
    process.exitCode = exitCode;
  }
}
