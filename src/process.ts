import type { Logger } from 'pino';
import { StartError } from './errors.ts';
import { isDatabaseUnavailable } from './db/pg-errors.ts';
import type { Lifetime } from './lifetime.ts';

type Started = { lifetime: Lifetime; log: Logger };

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
  const { lifetime, log } = started;
  const stop = (signal: string) => {
    log.info({ signal }, 'latchkey stops');
    lifetime.end().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'shutdown did not finish cleanly');
        process.exit(1);
      },
    );
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

function reasonOf(error: unknown): string {
  if (error instanceof StartError) return error.message;
  const reason = error instanceof Error ? error.message || error.name : String(error);
  if (isDatabaseUnavailable(error)) return `The database cannot be reached: ${describeCause(error) || reason}`;
  return `The service could not start: ${error instanceof Error ? error.stack : reason}`;
}

// A refused connection is an AggregateError with an empty message; its parts say what happened.
function describeCause(error: unknown): string {
  const parts = error instanceof AggregateError ? error.errors : [error];
  return parts.map((part) => (part instanceof Error ? part.message : String(part))).join('; ');
}
