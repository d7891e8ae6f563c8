import type { Logger } from 'pino';
import { StartError } from '../errors.ts';
import type { Lifetime } from './shutdown.ts';

/** `delayMs`: the intended delay of the shutdown. */
export type Started = { lifetime: Lifetime; log: Logger; delayMs?: number };

/** After this the process exits even if a resource has not closed. */
const HARD_STOP_MS = 60_000;

/**
 * Runs a service in this process: starts it, stops it in order on SIGTERM or SIGINT, and exits non-zero with one
 * readable reason when it cannot start.
 */
export async function runProcess(start: () => Promise<Started>): Promise<void> {
  let started: Started;
  try {
    started = await start();
  } catch (error) {
    process.stderr.write(`${reasonOf(error)}\n`);
    process.exit(1);
  }
  const stop = (signal: string) => void stopInOrder(started, signal);
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

async function stopInOrder({ lifetime, log, delayMs = 0 }: Started, signal: string): Promise<void> {
  log.info({ signal }, 'shutdown started');
  setTimeout(() => process.exit(1), delayMs + HARD_STOP_MS).unref();
  try {
    await lifetime.end();
    process.exit(0);
  } catch (error) {
    log.error({ err: error }, 'shutdown failed; exiting with code 1');
    process.exit(1);
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof StartError) return error.message;
  return `The service could not start: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}
