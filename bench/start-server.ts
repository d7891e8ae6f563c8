import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lifetime } from '../src/process/shutdown.ts';

export const ROOT = join(import.meta.dirname, '..');
const START_TRIES = 200;
const START_PAUSE_MS = 100;

/** The measured process has the first core to itself; the load and everything else share the second. */
export type Core = 'measured' | 'other';
const CORES: Record<Core, string> = { measured: '0', other: '1' };

export const pinning = canPin();

function canPin(): boolean {
  if (availableParallelism() < 2) return false;
  try {
    execFileSync('taskset', ['-c', CORES.other, 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Pins this process, which is the load, to its core. */
export function pinSelf(): void {
  if (pinning) execFileSync('taskset', ['-acp', CORES.other, `${process.pid}`], { stdio: 'ignore' });
}

/** Returns the command that runs a script with this Node on a core. */
export function commandOn(core: Core, file: string): [string, ...string[]] {
  const command: [string, ...string[]] = [process.execPath, join(ROOT, file)];
  return pinning ? ['taskset', '-c', CORES[core], ...command] : command;
}

export type Env = Readonly<Record<string, string>>;
export type Server = { url: string; pid: number };

/** Starts a server as a process, waits until it answers, and stops it when the lifetime ends. */
export async function startServer(lifetime: Lifetime, file: string, core: Core, env: Env = {}): Promise<Server> {
  const port = await freePort();
  const [program, ...args] = commandOn(core, file);
  // Log lines are written, as in production, and discarded.
  const { PATH = '' } = process.env;
  const child = spawn(program, args, {
    cwd: ROOT,
    env: { PATH, PORT: `${port}`, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  lifetime.onEnd(async () => {
    child.kill('SIGTERM');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  const url = `http://127.0.0.1:${port}`;
  for (let i = 0; i < START_TRIES; i++) {
    if (child.exitCode !== null) throw new Error(`${file} ended with exit code ${child.exitCode}`);
    if (await answers(`${url}/healthz`)) return { url, pid: child.pid! };
    await sleep(START_PAUSE_MS);
  }
  throw new Error(`${file} did not start`);
}

async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    async (response) => (await response.arrayBuffer(), true),
    () => false,
  );
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
