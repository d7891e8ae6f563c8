import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';

export type Exit = { code: number | null; signal: NodeJS.Signals | null };

/** A child process, with its output so far. */
export type Child = {
  stdout(): string;
  stderr(): string;
  /** Waits for the pattern on standard output. Rejects when the process exits first, or after the timeout. */
  saw(pattern: RegExp, deadlineMs?: number): Promise<RegExpExecArray>;
  exited: Promise<Exit>;
  /** Signals the process and everything that it started. */
  kill(signal: NodeJS.Signals): void;
};

type Options = {
  cwd?: string;
  /** The whole environment except PATH and HOME: no variable of the machine reaches a test. */
  env?: Readonly<Record<string, string>>;
};

const DEADLINE_MS = 15_000;

export function startChild(command: string, args: readonly string[], { cwd, env = {} }: Options = {}): Child {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(command, args, {
    ...(cwd !== undefined && { cwd }),
    env: { PATH, HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const written = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      written[stream] += text;
    });
  }
  const exited = new Promise<Exit>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  return {
    stdout: () => written.stdout,
    stderr: () => written.stderr,
    saw: (pattern, deadlineMs = DEADLINE_MS) => waitFor(child, written, pattern, deadlineMs),
    exited,
    kill: (signal) => killGroup(child, signal),
  };
}

/** Runs a process until it exits. */
export async function runChild(
  command: string,
  args: readonly string[],
  options: Options = {},
): Promise<Exit & { stdout: string; stderr: string }> {
  const child = startChild(command, args, options);
  const exit = await child.exited;
  return { ...exit, stdout: child.stdout(), stderr: child.stderr() };
}

type Written = { stdout: string; stderr: string };

function waitFor(child: ChildProcess, written: Written, pattern: RegExp, deadlineMs: number): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) => {
      stop();
      reject(new Error(`${why} before ${String(pattern)} was seen.\n${written.stdout}\n${written.stderr}`));
    };
    const look = () => {
      const found = pattern.exec(written.stdout);
      if (!found) return;
      stop();
      resolve(found);
    };
    const ended = () => fail('The process ended');
    const timer = setTimeout(() => fail(`${deadlineMs} ms passed`), deadlineMs);
    const stop = () => {
      clearTimeout(timer);
      child.stdout?.off('data', look);
      child.off('close', ended);
    };
    child.stdout?.on('data', look);
    child.once('close', ended);
    look();
  });
}

function killGroup({ pid, exitCode, signalCode }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined || exitCode !== null || signalCode !== null) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
