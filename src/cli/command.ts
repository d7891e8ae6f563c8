import { parseArgs } from 'node:util';
import { z } from 'zod';
import { StartError } from '../errors.ts';
import { COMMANDS, helpOf, usageOf } from './commands.ts';
import type { Command, CommandName, CommandOptions } from './commands.ts';

/** How many items a command lists at most. */
export const Limit = z.coerce.number().int().min(1).max(10_000);

export const toStdout = (text: string) => void process.stdout.write(text);
export const toStderr = (text: string) => void process.stderr.write(text);

/**
 * Reads the arguments of a command by its entry in COMMANDS. With `--help` it describes the command and exits with 0.
 * @param allowPositionals false for a command that takes options only
 * @throws StartError with the wrong argument and the usage
 */
export function readArguments<Name extends CommandName>(name: Name, allowPositionals = true) {
  if (process.argv.slice(2).some((argument) => argument === '--help' || argument === '-h')) {
    toStdout(`${helpOf(name)}\n`);
    process.exit(0);
  }
  try {
    const options: CommandOptions<Name> = COMMANDS[name].options;
    return parseArgs({ options, strict: true, allowPositionals });
  } catch (error) {
    throw new StartError(`${(error as Error).message}\n${usageOf(name)}`, { cause: error });
  }
}

/** Says on standard error that a command was run by its former name; npm gives the script's name. */
export function noteOldName(script: string | undefined, name: CommandName): void {
  const { oldName }: Command = COMMANDS[name];
  if (oldName !== undefined && script === oldName) toStderr(`npm run ${oldName} is now npm run ${name}.\n`);
}

type Failing = { failed: string; exitCode: number };

/**
 * Runs a command, which returns its exit code. A failure is written to standard error, after `failed` unless it is a
 * StartError, and exits with `exitCode`.
 */
export async function runCommand(run: () => Promise<number>, { failed, exitCode }: Failing): Promise<void> {
  // A reader such as `head` may close the pipe early.
  process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => process.exit(code === 'EPIPE' ? undefined : 1));
  try {
    process.exitCode = await run();
  } catch (error) {
    const { message } = error as Error;
    toStderr(error instanceof StartError ? `${message}\n` : `${failed}: ${message}\n`);
    process.exitCode = exitCode;
  }
}
