import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { addAbortSignal } from 'node:stream';
import type { Readable } from 'node:stream';
import { createInterface } from 'node:readline/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Context, RunProgram } from './context.ts';
import { httpFetch } from './http-fetch.ts';

/** How much of what a program writes is kept: more than a token has. */
const MOST_OUTPUT = 20_000;

/** What the command touches when it runs as a process. */
export function processContext(env: Context['env']): Context {
  const interruption = new AbortController();
  // The first one lets the command clean up, the second one ends it.
  process.once('SIGINT', () => interruption.abort());
  process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => process.exit(code === 'EPIPE' ? undefined : 1));
  return {
    process: process as Context['process'],
    env,
    isTerminal: process.stdout.isTTY && process.stdin.isTTY,
    showsProgress: process.stderr.isTTY,
    stdin: () => addAbortSignal(interruption.signal, process.stdin),
    readStdin,
    ask,
    fetch: httpFetch,
    now: () => new Date(),
    sleep: async (milliseconds) => sleep(milliseconds, undefined, { signal: interruption.signal }),
    runProgram: makeRunProgram(env),
    readProgram: makeReadProgram(env, interruption.signal),
    runServer,
    signal: interruption.signal,
    platform: process.platform,
    workingFolder: process.cwd(),
    folder: env['LATCHKEY_CONFIG_HOME'] || join(env['XDG_CONFIG_HOME'] || join(homedir(), '.config'), 'latchkey'),
  };
}

async function readStdin(limit: number): Promise<string> {
  let text = '';
  for await (const piece of process.stdin.setEncoding('utf8')) {
    text += String(piece);
    if (text.length > limit) break;
  }
  return text;
}

async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await terminal.question(question);
  } finally {
    terminal.close();
  }
}

export function makeRunProgram(inherited: Context['env']): RunProgram {
  return async (program, args, { input, env = {}, isForeground = false, timeoutMs } = {}) => {
    const output = isForeground ? 'inherit' : 'pipe';
    const child = spawn(program, args, {
      env: { ...inherited, ...env },
      stdio: [input === undefined ? (isForeground ? 'inherit' : 'ignore') : 'pipe', output, output],
    });
    const end = () => void child.kill('SIGTERM');
    let isLate = false;
    const deadline =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            isLate = true;
            child.kill('SIGKILL');
          }, timeoutMs);
    process.on('SIGTERM', end);
    try {
      // A program that reads nothing closes its input.
      child.stdin?.on('error', () => undefined).end(input);
      const [stdout, stderr] = [firstOf(child.stdout), firstOf(child.stderr)];
      const ended = once(child, 'close') as Promise<[number | null]>;
      const [code] = await ended;
      if (isLate) throw new Error(`${program} did not answer within ${timeoutMs! / 1_000} s`);
      return { code: code ?? 1, stdout: stdout(), stderr: stderr() };
    } finally {
      clearTimeout(deadline);
      process.off('SIGTERM', end);
    }
  };
}

/** Programs end with the signal. */
export function makeReadProgram(env: Context['env'], signal: AbortSignal): Context['readProgram'] {
  return async function* readProgram(program, args) {
    const child = spawn(program, args, { env, signal, stdio: ['ignore', 'pipe', 'pipe'] });
    const complaint = firstOf(child.stderr);
    const ended = once(child, 'close') as Promise<[number | null]>;
    // Awaited below, after the output; a program that is not there fails before.
    ended.catch(() => undefined);
    yield* child.stdout as AsyncIterable<Uint8Array>;
    const [code] = await ended;
    if (code !== 0) throw new Error(`${program} failed: ${complaint().trim().split('\n')[0]}`);
  };
}

/** Collects the first of what a program writes. */
function firstOf(stream: Readable | null): () => string {
  let text = '';
  stream?.setEncoding('utf8').on('data', (piece: string) => {
    if (text.length < MOST_OUTPUT) text += piece;
  });
  return () => text.slice(0, MOST_OUTPUT);
}

/** Finds the package from this folder, and else beside this one. */
async function runServer(args: readonly string[]): Promise<number | undefined> {
  const manifest = [join(process.cwd(), 'package.json'), import.meta.url].flatMap((from) => {
    try {
      return [createRequire(from).resolve('latchkey-server/package.json')];
    } catch {
      return [];
    }
  })[0];
  if (manifest === undefined) return undefined;
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { bin: Record<string, string> };
  const built = join(dirname(manifest), bin['latchkey-server']!);
  // A clone of the repository need not be built: Node strips the types of its source.
  const file = existsSync(built) ? built : built.replace('/dist/', '/').replace(/\.js$/, '.ts');
  // Ctrl-C reaches both; the service ends in order, and this one after it.
  process.on('SIGINT', () => undefined);
  const child = spawn(process.execPath, [file, ...args], { stdio: 'inherit' });
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  const ended = once(child, 'close') as Promise<[number | null]>;
  const [code] = await ended;
  return code ?? 1;
}
