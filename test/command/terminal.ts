import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Context, Ended } from '../../src/command/context.ts';
import { makeReadProgram } from '../../src/command/process-context.ts';
import { runLatchkey } from '../../src/command/latchkey.ts';

export type Ran = { code: number; stdout: string; stderr: string };
export type Program = { program: string; args: readonly string[]; input: string | undefined; env?: object };

export type Terminal = {
  /** A new folder, which is gone after the test. */
  folder: string;
  /** The programs that commands have run. */
  programs: readonly Program[];
  /** Runs `latchkey` with arguments. */
  run: (...args: string[]) => Promise<Ran>;
};

type Options = {
  env?: Readonly<Record<string, string>>;
  /** A person is at the terminal, and gives this answer to every question. */
  person?: string;
  stdin?: string;
  fetch?: typeof globalThis.fetch;
  now?: () => Date;
  sleep?: (milliseconds: number) => Promise<void>;
  /** What another program ends with. */
  ends?: (program: Program) => Ended | Promise<Ended>;
  signal?: AbortSignal;
  platform?: NodeJS.Platform;
  /** Runs programs instead of `ends`. */
  runProgram?: Context['runProgram'];
  /** Standard error is a terminal. */
  showsProgress?: boolean;
  /** The exit code of the service's own package, or what it ends with; it is not installed, unless given. */
  server?: number | ((args: readonly string[]) => Promise<Ended>);
  /** Receives all output in its order, with the answers of the person. */
  onText?: (text: string) => void;
  /** The credentials of another terminal. */
  folder?: string;
};

/** A terminal with its own credentials, in which the command runs within this process. */
export async function openTerminal(options: Options = {}): Promise<Terminal> {
  const folder = options.folder ?? (await temporaryFolder());
  const programs: Program[] = [];
  const run = async (...args: string[]): Promise<Ran> => {
    const written = { stdout: '', stderr: '' };
    const to = (stream: 'stdout' | 'stderr') => ({
      write(text: string): void {
        written[stream] += text;
        options.onText?.(text);
      },
    });
    const process: Context['process'] = { stdout: to('stdout'), stderr: to('stderr') };
    await runLatchkey(contextOf({ ...options, folder }, process, programs), args, '1.2.3');
    return { code: Number(process.exitCode), ...written };
  };
  return { folder, programs, run };
}

function contextOf(options: Options & { folder: string }, io: Context['process'], programs: Program[]): Context {
  const { env = {}, person, stdin = '', fetch = globalThis.fetch, now = () => new Date(), folder } = options;
  const signal = options.signal ?? new AbortController().signal;
  return {
    process: io,
    env,
    isTerminal: person !== undefined,
    showsProgress: options.showsProgress ?? false,
    stdin: async function* () {
      yield Buffer.from(stdin);
    },
    readStdin: async () => stdin,
    ask: async (question) => {
      io.stderr.write(question);
      options.onText?.(`${person}\n`);
      return person!;
    },
    fetch,
    now,
    sleep: options.sleep ?? (async () => undefined),
    runProgram: async (program, args, given = {}) => {
      const { input, env } = given;
      const ran = { program, args, input, ...(env && { env }) };
      programs.push(ran);
      if (options.runProgram) return options.runProgram(program, args, given);
      return options.ends?.(ran) ?? { code: 0, stdout: '', stderr: '' };
    },
    readProgram: makeReadProgram({ PATH: process.env['PATH'], HOME: folder }, signal),
    runServer: async (args) => {
      programs.push({ program: 'latchkey-server', args, input: undefined });
      if (typeof options.server !== 'function') return options.server;
      const { code, stdout, stderr } = await options.server(args);
      io.stderr.write(stderr);
      io.stdout.write(stdout);
      return code;
    },
    signal,
    folder: join(folder, 'config'),
    platform: options.platform ?? 'linux',
    workingFolder: folder,
  };
}

export const addressOf = (input: string | URL | Request) => (input instanceof Request ? input.url : input.toString());

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-command-'));
  onTestFinished(async () => rm(folder, { recursive: true, force: true }));
  return folder;
}
