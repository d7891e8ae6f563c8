import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Order } from './die-at.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const PRELOAD = join(import.meta.dirname, 'preload.ts');
const START_MS = 30_000;

export type Env = Readonly<Record<string, string>>;
export type Line = Readonly<Record<string, unknown>>;

/** A process whose fault points may be deadly. */
export type Process = {
  /** Where it listens, once it does. */
  listens: Promise<string>;
  exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  kill(): void;
  /** Lets the process die at a point from now on. */
  order(order: Order): void;
  /** Its log lines that someone must act on, and whatever else it had to say. */
  complaints: readonly string[];
};

/** Starts one of the service's own entries. */
export function startEntry(entry: string, env: Env, args: readonly string[] = []): Process {
  const child = spawn(process.execPath, ['--import', PRELOAD, join(ROOT, 'src', entry), ...args], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const complaints: string[] = [];
  createInterface({ input: child.stderr! }).on('line', (line) => complaints.push(line));
  const exited = new Promise<Awaited<Process['exited']>>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  return {
    listens: urlOf(child, exited, complaints),
    exited,
    kill: () => child.kill('SIGKILL'),
    order: (order) => void child.send(order, () => undefined),
    complaints,
  };
}

function urlOf(child: ChildProcess, exited: Process['exited'], complaints: string[]): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  promise.catch(() => undefined);
  createInterface({ input: child.stdout! }).on('line', (text) => {
    const line = parse(text);
    if (line['level'] === 'error' || line['level'] === 'fatal') complaints.push(text);
    const url = line['url'] ?? /on (http:\S+),/.exec(text)?.[1];
    if (typeof url === 'string') resolve(url);
  });
  const timer = setTimeout(() => reject(new Error(`did not listen: ${complaints.join('\n')}`)), START_MS);
  promise.finally(() => clearTimeout(timer)).catch(() => undefined);
  void exited.then(() => reject(new Error(`ended before it listened: ${complaints.join('\n')}`)));
  return promise;
}

function parse(text: string): Line {
  try {
    return JSON.parse(text) as Line;
  } catch {
    return {};
  }
}
