import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { runChild, startChild } from '../support/child.ts';
import type { Child } from '../support/child.ts';

const ROOT = join(import.meta.dirname, '..', '..');

type Env = Readonly<Record<string, string>>;
type Entry =
  | 'main'
  | 'embedded'
  | 'cli/main'
  | 'cli/migrate'
  | 'cli/local-workos'
  | 'cli/reconcile'
  | 'cli/audit-verify'
  | 'cli/webhooks'
  | 'cli/incoming-webhooks'
  | 'cli/keys/import'
  | 'cli/dead-letters'
  | 'cli/workos-events';

/** Starts an entry or a command as a process, which ends with the test. */
export function startEntry(entry: Entry, env: Env): Child {
  const child = startChild(process.execPath, [join('src', `${entry}.ts`)], { cwd: ROOT, env });
  onTestFinished(() => child.kill('SIGKILL'));
  return child;
}

/** Runs an entry or a command until it ends by itself. */
export function runEntry(entry: Entry, env: Env, args: readonly string[] = []) {
  return runChild(process.execPath, [join('src', `${entry}.ts`), ...args], { cwd: ROOT, env });
}

/** Asks a process to stop, and waits until it did. */
export async function stop(child: Child, signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
  child.kill(signal);
  return (await child.exited).code;
}

/** A folder of the test's own, gone afterwards. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-process-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
}

/**
 * A port that nobody listens on, below those that Linux gives to clients: one that tries again and again to reach a server
 * that is gone would sooner or later get the server's own port, connect to itself, and keep the server from starting again.
 */
export async function freePort(): Promise<number> {
  for (let i = 0; i < 50; i++) {
    const server = await takePort(randomInt(10_000, 32_768)).catch(() => undefined);
    if (!server) continue;
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
  throw new Error('no port is free');
}

/** Something else that listens. */
export function takePort(port = 0): Promise<Server> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
